// Package watch shows people the logs and the use of one container as they
// happen. An agent sends them only while somebody watches: a viewer of the
// API, or a person subscribed to exactly that topic.
//
// Viewers enter; transient commands leave for the agent, renewed while
// anybody watches, and chunks come back through Deliver. Nothing is recorded.
// A viewer who does not keep up loses chunks and is told how much, and slows
// down nobody.
package watch
