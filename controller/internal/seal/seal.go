package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// prefix is the form of a sealed text; a later form has another.
const prefix = "sealed:v1:"

// ErrUnknownKey is why a text cannot be opened whose key is not in the ring.
var ErrUnknownKey = errors.New("it was sealed with a key that is not here")

// ErrBroken is why a text cannot be opened that is none, was changed, or was
// sealed as something else.
var ErrBroken = errors.New("it is not what was sealed")

// key is one key of a ring.
type key struct {
	id   string
	text string // as in the file
	aead cipher.AEAD
}

const keySize = 32 // AES-256

// parseKey reads a line of a ring.
func parseKey(line string) (key, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(line)
	if err != nil || len(raw) != keySize {
		return key{}, fmt.Errorf("not a key: a key is %d random bytes in base64, as openssl rand -base64 %d prints", keySize, keySize)
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return key{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return key{}, err
	}
	return key{id: idOf(raw), text: line, aead: aead}, nil
}

// idOf names a key without giving it away.
func idOf(raw []byte) string {
	sum := sha256.Sum256(append([]byte("lormas secret key "), raw...))
	const enough = 6 // to tell a few apart
	return hex.EncodeToString(sum[:enough])
}

func (k key) seal(of, plain string) string {
	sealed := k.aead.Seal(nil, nil, []byte(plain), []byte(of))
	return prefix + k.id + ":" + base64.RawStdEncoding.EncodeToString(sealed)
}

func (k key) open(of, body string) (string, error) {
	raw, err := base64.RawStdEncoding.DecodeString(body)
	if err != nil {
		return "", ErrBroken
	}
	plain, err := k.aead.Open(nil, nil, raw, []byte(of))
	if err != nil {
		return "", ErrBroken
	}
	return string(plain), nil
}

// split takes a sealed text apart.
func split(sealed string) (id, body string, ok bool) {
	rest, ok := strings.CutPrefix(sealed, prefix)
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, ":")
}

// KeyOf is the id of the key that a text was sealed with, or "" where it is
// not a sealed one.
func KeyOf(sealed string) string {
	id, _, ok := split(sealed)
	if !ok {
		return ""
	}
	return id
}
