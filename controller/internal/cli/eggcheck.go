package cli

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lormas/lormas/shared/egg"
)

type eggCheckCommand struct {
	Files []string `arg:"" name:"file" help:"Files of eggs, folders and zips of them; - is the standard input."`
}

// checked is the line that is printed about a file.
type checked struct {
	File     string           `json:"file"`
	OK       bool             `json:"ok"`
	Name     string           `json:"name"`
	Version  string           `json:"version"`
	Warnings []egg.Diagnostic `json:"warnings"`
	Errors   []egg.Diagnostic `json:"errors"`
}

// Run prints a line of JSON for each file.
func (c eggCheckCommand) Run(s Streams) error {
	out := json.NewEncoder(s.Out)
	out.SetEscapeHTML(false)
	return countEggs(s.In, c.Files, "are no eggs", func(name string, data []byte, unreadable error) (bool, error) {
		line := checkEgg(name, data, unreadable)
		return line.OK, out.Encode(line)
	})
}

func checkEgg(name string, data []byte, unreadable error) checked {
	line := checked{File: name, Warnings: []egg.Diagnostic{}, Errors: []egg.Diagnostic{}}
	if unreadable != nil {
		line.Errors = append(line.Errors, egg.Diagnostic{Line: 1, Field: "document", Message: unreadable.Error()})
		return line
	}
	e, warnings, faults := egg.Import(data)
	line.OK = len(faults) == 0
	line.Name, line.Version = e.Name, egg.Version(data)
	line.Warnings = append(line.Warnings, warnings...)
	line.Errors = append(line.Errors, faults...)
	return line
}

// countEggs is eachEgg for work that goes well with a file or not; how many it
// went badly with is an error in the end, as is that there were no files.
func countEggs(in io.Reader, names []string, failed string, do func(name string, data []byte, unreadable error) (ok bool, err error)) error {
	all, bad := 0, 0
	err := eachEgg(in, names, func(name string, data []byte, unreadable error) error {
		ok, err := do(name, data, unreadable)
		if all++; !ok {
			bad++
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case bad > 0:
		return fmt.Errorf("%d of %d files %s", bad, all, failed)
	case all == 0:
		return errors.New("there are no eggs: their files end in .json, .yaml or .yml")
	}
	return nil
}

// eachEgg hands over every file that is meant: those named, and in folders
// and zips those that can be eggs by their name.
func eachEgg(in io.Reader, names []string, do func(name string, data []byte, unreadable error) error) error {
	for _, name := range names {
		info, err := os.Stat(name)
		switch {
		case name == "-":
			data, err := upTo(in)
			if err := do(name, data, err); err != nil {
				return err
			}
		case err != nil:
			if err := do(name, nil, err); err != nil {
				return err
			}
		case info.IsDir():
			if err := eachInFolder(name, do); err != nil {
				return err
			}
		default:
			if err := eachInFile(name, do); err != nil {
				return err
			}
		}
	}
	return nil
}

func eachInFolder(root string, do func(string, []byte, error) error) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return do(path, nil, err)
		case !entry.Type().IsRegular() || !maybeEgg(path) && !isZip(path):
			return nil
		}
		return eachInFile(path, do)
	})
}

func eachInFile(name string, do func(string, []byte, error) error) error {
	if isZip(name) {
		return eachInZip(name, do)
	}
	f, err := os.Open(name)
	if err != nil {
		return do(name, nil, err)
	}
	defer f.Close()
	data, err := upTo(f)
	return do(name, data, err)
}

func eachInZip(name string, do func(string, []byte, error) error) error {
	archive, err := zip.OpenReader(name)
	if err != nil {
		return do(name, nil, err)
	}
	defer archive.Close()
	for _, entry := range archive.File {
		if entry.FileInfo().IsDir() || !maybeEgg(entry.Name) {
			continue
		}
		var data []byte
		body, err := entry.Open()
		if err == nil {
			data, err = upTo(body)
			_ = body.Close()
		}
		if err := do(name+"/"+entry.Name, data, err); err != nil {
			return err
		}
	}
	return nil
}

func isZip(name string) bool { return strings.EqualFold(filepath.Ext(name), ".zip") }

func maybeEgg(name string) bool {
	return slices.Contains([]string{".json", ".yaml", ".yml"}, strings.ToLower(filepath.Ext(name)))
}

// upTo reads a little more than an egg may have: what is longer is refused by
// the importer, and fills no memory before.
func upTo(r io.Reader) ([]byte, error) {
	var b bytes.Buffer
	_, err := io.Copy(&b, io.LimitReader(r, egg.MaxFile+1))
	return b.Bytes(), err
}
