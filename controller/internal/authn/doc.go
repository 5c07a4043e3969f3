// Package authn finds out who somebody is. Passwords, tokens and cookies
// enter, authz.Actors leave; what an actor may do is not decided here.
//
// Five things prove an identity:
//
//	password       argon2id, throttled; with the second factor, where there is one, it starts a session
//	access token   JWT (EdDSA), 15 minutes, aud lormas-api; names a session
//	refresh token  in a cookie, exchanged at every use; names a session
//	API token      lormas_…, for programs, limited to a part of its owner's permissions
//	credential     JWT (EdDSA) of a node, aud lormas-node, until revoked
//
// A session is a family of refresh tokens of which one is good. When an older
// one comes, either the thief or the owner is late, and nobody can tell who:
// the session ends. Only the one just replaced is forgiven for ten seconds,
// because two tabs of one browser refresh at the same time; the later one is
// told to try again and by then has the new cookie.
//
// Every access token is checked against its session, so that a sign-out or a
// disabled account counts at once and not when the token runs out.
package authn
