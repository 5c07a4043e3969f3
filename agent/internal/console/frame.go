package console

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"

	"github.com/lormas/lormas/agent/internal/runtime"
)

// Source is where a line comes from.
type Source byte

// The sources.
const (
	Out     Source = iota // the container
	Install               // its installation
	Lormas                // the agent
)

// String is the source's name on the wire.
func (s Source) String() string {
	switch s {
	case Out:
		return "out"
	case Install:
		return "install"
	case Lormas:
		return "lormas"
	}
	return "unknown"
}

// MaxLine is how much of one line is kept, in bytes: all that the engine hands
// over.
const MaxLine = runtime.MaxLine

// Line is one line of a book, without its end.
type Line struct {
	N      uint64
	At     time.Time
	Source Source
	Cut    bool // it was longer than MaxLine
	Text   []byte
}

// A frame is a run of lines whose numbers follow one another, as it is in a
// segment: a head of fixed size, and then the lines, each with
//
//	source and cut (a byte), nanoseconds since the head's time (varint),
//	length (uvarint), text
//
// The head: length of what follows it (4 bytes), checksum of all after
// itself (4), the first line's number (8), how many lines (4), time (8).
const headSize = 28

// maxFrame bounds the lines of a frame, in bytes; one line always fits.
const maxFrame = 64 << 10

const cutFlag = 0x80

var (
	errTorn   = errors.New("the frame is not whole")
	checksums = crc32.MakeTable(crc32.Castagnoli)
)

// head is the front of a frame.
type head struct {
	length int // of the lines
	sum    uint32
	first  uint64
	count  int
	at     int64
}

// last is the number of the frame's last line.
func (h head) last() uint64 { return h.first + uint64(h.count) - 1 }

// readHead reads the front of a frame. It refuses what no frame can have;
// whether the lines are whole only the checksum tells.
func readHead(data []byte) (head, error) {
	if len(data) < headSize {
		return head{}, errTorn
	}
	length, count := binary.LittleEndian.Uint32(data), binary.LittleEndian.Uint32(data[16:])
	h := head{
		length: int(length), sum: binary.LittleEndian.Uint32(data[4:]), first: binary.LittleEndian.Uint64(data[8:]),
		count: int(count), at: int64(binary.LittleEndian.Uint64(data[20:])),
	}
	const smallest = 3 // bytes of an empty line
	if length > maxFrame+MaxLine+headSize || count == 0 || count > length/smallest || h.first == 0 || h.last() < h.first {
		return head{}, errTorn
	}
	return h, nil
}

// frame collects lines.
type frame struct {
	data  []byte
	base  int64
	count int
}

// add appends a line. Its number is given when the frame is sealed.
func (f *frame) add(at time.Time, source Source, text []byte, cut bool) {
	nanos := at.UnixNano()
	if f.count == 0 {
		f.base = nanos
		f.data = append(f.data[:0], make([]byte, headSize)...)
	}
	flags := byte(source)
	if cut {
		flags |= cutFlag
	}
	f.data = append(f.data, flags)
	f.data = binary.AppendVarint(f.data, nanos-f.base)
	f.data = binary.AppendUvarint(f.data, uint64(len(text)))
	f.data = append(f.data, text...)
	f.count++
}

// size is the length of what was added.
func (f *frame) size() int { return len(f.data) }

// seal gives the lines their numbers, and returns the frame as it is kept.
func (f *frame) seal(first uint64) []byte {
	d := f.data
	binary.LittleEndian.PutUint32(d, uint32(len(d)-headSize))
	binary.LittleEndian.PutUint64(d[8:], first)
	binary.LittleEndian.PutUint32(d[16:], uint32(f.count))
	binary.LittleEndian.PutUint64(d[20:], uint64(f.base))
	binary.LittleEndian.PutUint32(d[4:], crc32.Checksum(d[8:], checksums))
	return d
}

// readFrame reads the frame at the front of data and hands over its lines;
// their texts are parts of data. It returns the frame's size.
func readFrame(data []byte, line func(Line)) (head, int, error) {
	h, err := readHead(data)
	if err != nil {
		return h, 0, err
	}
	size := headSize + h.length
	if len(data) < size || crc32.Checksum(data[8:size], checksums) != h.sum {
		return h, 0, errTorn
	}
	rest := data[headSize:size]
	lines := make([]Line, 0, min(h.count, 1024))
	for i := range h.count {
		var l Line
		if l, rest, err = readLine(rest, h.at); err != nil {
			return h, 0, err
		}
		l.N = h.first + uint64(i)
		lines = append(lines, l)
	}
	if len(rest) != 0 {
		return h, 0, errTorn
	}
	for _, l := range lines {
		line(l)
	}
	return h, size, nil
}

func readLine(data []byte, base int64) (Line, []byte, error) {
	if len(data) == 0 {
		return Line{}, nil, errTorn
	}
	l := Line{Source: Source(data[0] &^ cutFlag), Cut: data[0]&cutFlag != 0}
	data = data[1:]
	nanos, n := binary.Varint(data)
	if n <= 0 {
		return Line{}, nil, errTorn
	}
	data = data[n:]
	l.At = time.Unix(0, base+nanos)
	length, n := binary.Uvarint(data)
	if n <= 0 || length > MaxLine || length > uint64(len(data)-n) {
		return Line{}, nil, errTorn
	}
	l.Text = data[n : n+int(length)]
	return l, data[n+int(length):], nil
}
