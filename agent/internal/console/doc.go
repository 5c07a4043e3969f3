// Package console keeps a book of each container's console: what the
// container printed, what its installation printed and what the agent had to
// say, as numbered lines. The numbers go 1, 2, 3 … over restarts of the
// container and of the agent; a number that is missing stands for a line that
// was not kept, so that a gap needs no record of its own.
//
// What enters: lines of the engine, read by one Keeper with their times, and
// Append. What leaves: Readers, which a viewer's stream pulls from at its own
// pace. Neither side ever waits for the other, and no container for either:
//
//	engine ─▶ Keeper ─▶ pending (1 MiB, the oldest go) ─▶ segments ◀─ Readers
//	                     Append ─▲         8 MiB/s         16 MiB
//
// A book is a directory: segments that are only ever appended to, without
// fsync, and a note of the book's name. What an agent that crashed had not
// written is read from the engine's log again, from the time of the last line
// on. A machine that crashed may have lost lines that somebody has seen: after
// each boot the book has another name, under which the numbers go on, so that
// a viewer is never told another line by a number that he has.
//
// It knows neither Docker nor MQTT, nor what a container should be.
package console
