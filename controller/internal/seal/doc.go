// Package seal makes secrets that lie in the database unreadable without a
// key that does not. Plain text and what it is of enter, sealed text leaves,
// and the reverse; where it is kept is not known here.
//
//	sealed:v1:<key id>:<base64 of nonce and AES-256-GCM>
//
// What it is of ("user/<id>/totp") is bound into the seal: a sealed value that
// was copied to another row does not open there.
//
// The keys are a ring: a text file of mode 0600, or the same text from the
// environment, with one key a line, the newest first. Old ones stay until all
// that they sealed was sealed anew. The ring is read again when a value names
// a key that is not in it, so a controller that runs follows a rotation.
package seal
