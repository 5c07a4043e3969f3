package cli

import (
	"strings"
	"testing"

	"github.com/boombuler/barcode/qr"
)

// What is drawn is the code, module by module, black on white in a white
// border, and fits a small terminal.
func TestTheQRCodeIsDrawnWhole(t *testing.T) {
	const uri = "otpauth://totp/Lormas:admin@lormas.local?algorithm=SHA1&digits=6&issuer=Lormas&period=30&secret=ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	drawn, err := drawQR(uri)
	if err != nil {
		t.Fatal(err)
	}
	code, err := qr.Encode(uri, qr.L, qr.Unicode)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(drawn, "\n"), "\n")
	if len(lines) > 24 {
		t.Errorf("it is %d lines high", len(lines))
	}
	for row, line := range lines {
		inside, ok := strings.CutPrefix(line, blackOnWhite)
		if inside, ok = strings.CutSuffix(inside, plain); !ok {
			t.Fatalf("line %d leaves its colours behind: %q", row, line)
		}
		for column, cell := range []rune(inside) {
			x, y := column-quiet, 2*row-quiet
			upper, lower := strings.ContainsRune("▀█", cell), strings.ContainsRune("▄█", cell)
			if upper != (black(code, x, y) == 1) || lower != (black(code, x, y+1) == 1) {
				t.Fatalf("at %d, %d there is %q", x, y, cell)
			}
		}
	}
	if black(code, 0, 0) != 1 || black(code, 1, 1) != 0 || black(code, -1, 0) != 0 {
		t.Error("the corner is not that of a QR code")
	}
}
