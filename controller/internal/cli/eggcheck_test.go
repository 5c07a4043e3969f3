package cli

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// lormas egg check needs no controller: it reads files, folders and zips, and
// says of each by one line what it is.
func TestEggCheckReadsFilesFoldersAndZips(t *testing.T) {
	const good = `{"meta":{"version":"PTDL_v2"},"name":"Web","docker_images":{"a":"a:1"},"startup":"go"}`
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a.json", good)
	write("notes.txt", "not an egg, and not meant as one")
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	entry, err := z.Create("deep/b.json")
	if err == nil {
		_, err = entry.Write([]byte("{\n\"meta\": {\"version\": 1}}"))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	write("some.zip", packed.String())

	check := func(names ...string) ([]checked, int) {
		var out bytes.Buffer
		code := Run(t.Context(), append([]string{"egg", "check"}, names...), Streams{In: os.Stdin, Out: &out, Err: os.Stderr})
		var lines []checked
		for _, text := range strings.Split(strings.TrimSpace(out.String()), "\n") {
			var line checked
			if err := json.Unmarshal([]byte(text), &line); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			lines = append(lines, line)
		}
		return lines, code
	}
	lines, code := check(filepath.Join(dir, "a.json"))
	if code != 0 || len(lines) != 1 || !lines[0].OK || lines[0].Name != "Web" || lines[0].Version != "PTDL_v2" {
		t.Errorf("an egg gives %d and %+v", code, lines)
	}
	lines, code = check(filepath.Join(dir, "some.zip"), filepath.Join(dir, "a.json"), filepath.Join(dir, "missing.json"))
	if code != 1 || len(lines) != 3 || lines[0].OK || !lines[1].OK || lines[2].OK {
		t.Fatalf("files of which two are no eggs give %d and %+v", code, lines)
	}
	if inside, code := check(dir); code != 1 || len(inside) != 2 {
		t.Errorf("the folder gives %d and %+v", code, inside)
	}
	if fault := lines[0].Errors[0]; fault.Line != 2 || fault.Field != "meta.version" || !strings.HasSuffix(lines[0].File, "some.zip/deep/b.json") {
		t.Errorf("the fault is %+v in %s", fault, lines[0].File)
	}
}
