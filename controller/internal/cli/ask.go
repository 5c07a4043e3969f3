package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/term"
)

const askCode = "Code of your second factor (or a recovery code)"

var (
	errNoTerminal = errors.New("there is no terminal to ask for it")
	errStopped    = errors.New("stopped at a question")
)

// ask reads a secret from the terminal, which shows nothing of it.
func (s Streams) ask(ctx context.Context, what string) (string, error) {
	fd := int(s.In.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", errNoTerminal
	}
	fmt.Fprintf(s.Err, "%s: ", what)
	defer fmt.Fprintln(s.Err)
	type answer struct {
		text []byte
		err  error
	}
	typed := make(chan answer, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		typed <- answer{text, err}
	}()
	select {
	case a := <-typed:
		if a.err != nil {
			return "", fmt.Errorf("read from the terminal: %w", a.err)
		}
		return string(a.text), nil
	case <-ctx.Done():
		// who waits for a line cannot be told: the process ends before the
		// next one, and must not leave a terminal that shows nothing
		_ = term.Restore(fd, before)
		return "", errStopped
	}
}

// secret is ask where there is a terminal, and else the next line of the
// standard input.
func (s Streams) secret(ctx context.Context, what string) (string, error) {
	if s.interactive() {
		return s.ask(ctx, what)
	}
	line, err := readLine(s.In)
	if err != nil {
		return "", fmt.Errorf("%s: read it from the standard input, as there is no terminal: %w", what, err)
	}
	return line, nil
}

// agree asks for a word before something is changed. The flag is for where
// nobody can be asked.
func (s Streams) agree(what, word, flag string) error {
	if !s.interactive() {
		return fmt.Errorf("nothing was changed: add %s, as there is no terminal to ask on", flag)
	}
	fmt.Fprintf(s.Err, "%s Type %s to go on: ", what, word)
	typed, err := readLine(s.In)
	if err != nil {
		return fmt.Errorf("nothing was changed: %w", err)
	}
	if strings.TrimSpace(typed) != word {
		return errors.New("nothing was changed")
	}
	return nil
}

func (s Streams) interactive() bool { return term.IsTerminal(int(s.In.Fd())) }

// readLine reads a line and nothing behind it, which is for the next question.
func readLine(in io.Reader) (string, error) {
	var line strings.Builder
	for one := make([]byte, 1); ; {
		n, err := in.Read(one)
		switch {
		case n == 1 && one[0] == '\n':
			return strings.TrimSuffix(line.String(), "\r"), nil
		case n == 1:
			line.WriteByte(one[0])
		case errors.Is(err, io.EOF) && line.Len() > 0:
			return line.String(), nil
		case err != nil:
			return "", err
		}
	}
}
