// Package agenttest runs whole agents in one process for the tests of other
// modules: every room of an agent, with a fake engine in the place of Docker
// and whatever connection the test gives it. It works in a synctest bubble.
package agenttest
