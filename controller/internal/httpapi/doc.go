// Package httpapi is the door for people: /api/v1 with its OpenAPI document,
// the dashboard's files, the broker's WebSocket and the probes. Requests
// enter, calls of actions and authn leave, and their nouns come back as JSON.
// It is the only room that knows Fiber and huma; it decides nothing but
// whether somebody may knock: every route has a verb, and the row of that
// verb in authz.Rules says who may use it.
//
// What a request goes through:
//
//	request id → log, metrics → panic guard → admit (who? may he, at all?)
//	  → read and check the body → handler (actor, input) → problem or answer
//
// Errors leave as problem+json (RFC 9457); errors.go has the one table from
// fleet's kinds to status codes. What has no kind is logged with the request
// id and answered as "internal".
package httpapi
