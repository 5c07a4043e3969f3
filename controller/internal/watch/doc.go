// Package watch shows people the logs and the use of one container as they
// happen. An agent sends them only while somebody watches: a viewer of the
// API, or a person subscribed to exactly that topic.
//
// Viewers enter; transient commands leave for the agent, renewed while
// anybody watches, and chunks come back through Deliver. Nothing is recorded.
// A viewer who does not keep up slows down nobody: when he has room again, the
// node is asked for what comes after his last line, and so it is when MQTT lost
// something. The numbers of the lines tell.
package watch
