package dev

import (
	"fmt"
	"io"
	"time"
)

// steps shows what is being done, a line each, and how long it took.
type steps struct {
	out io.Writer
	now func() time.Time
}

// do runs one step. What work returns besides its error is told at the end of
// the line.
func (s steps) do(name string, work func() (detail string, err error)) error {
	began := s.now()
	fmt.Fprintf(s.out, "  %-22s ", name)
	detail, err := work()
	if err != nil {
		fmt.Fprintln(s.out, "failed")
		return fmt.Errorf("%s: %w", name, err)
	}
	fmt.Fprintf(s.out, "%5.1f s  %s\n", s.now().Sub(began).Seconds(), detail)
	return nil
}
