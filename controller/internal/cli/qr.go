package cli

import (
	"fmt"
	"image"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// quiet is the white border of a QR code in modules. The standard wants four;
// apps make do with two, and so it fits a terminal of 24 lines.
const quiet = 2

// The colours are those of the 256 that themes leave alone: black on white,
// as apps read it, also on a terminal that is dark.
const (
	blackOnWhite = "\x1b[38;5;16;48;5;231m"
	plain        = "\x1b[0m"
)

// drawQR draws a text as a QR code for a terminal, two modules one above the
// other in each cell.
func drawQR(text string) (string, error) {
	code, err := qr.Encode(text, qr.L, qr.Unicode)
	if err != nil {
		return "", fmt.Errorf("draw the QR code: %w", err)
	}
	half := [2][2]string{{" ", "▄"}, {"▀", "█"}} // upper, lower: is it black
	var out strings.Builder
	end := code.Bounds().Dx() + quiet
	for y := -quiet; y < end; y += 2 {
		out.WriteString(blackOnWhite)
		for x := -quiet; x < end; x++ {
			out.WriteString(half[black(code, x, y)][black(code, x, y+1)])
		}
		out.WriteString(plain + "\n")
	}
	return out.String(), nil
}

// black is 1 for a black module of a code, and 0 for a white one and for the
// border.
func black(code image.Image, x, y int) int {
	if !(image.Point{X: x, Y: y}).In(code.Bounds()) {
		return 0
	}
	if r, _, _, _ := code.At(x, y).RGBA(); r > 0 {
		return 0
	}
	return 1
}
