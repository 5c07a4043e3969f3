// Package client is how a program on somebody's desk reaches a running
// controller: the file of profiles, the session, requests to the API with its
// own words where it refuses, and live news over MQTT.
//
// It knows nothing of what it transports: bodies go in and out as JSON. A
// session renews itself; several programs that use one profile at once take
// turns, as a refresh token is good only once.
package client
