package wire

import (
	"crypto/sha256"
	"encoding/hex"
)

// BrokerPassword is what an agent shows a broker that is not the controller's
// own: the SHA-256 of its credential in hexadecimal, as sha256sum prints it.
// Such a broker keeps a list of passwords, which should not open the
// controller's door; and lists in bcrypt compare 72 bytes, which is less of a
// credential than what all credentials have in common.
func BrokerPassword(credential string) string {
	sum := sha256.Sum256([]byte(credential))
	return hex.EncodeToString(sum[:])
}
