package egg

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// corpus are the real eggs beside the repository, where they are there.
func corpus(t testing.TB, kind string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, root := range []string{"../../../shared/eggs", "../../../../shared/eggs"} {
		root = filepath.Join(root, kind)
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files[strings.TrimPrefix(path, root+"/")] = data
			return nil
		})
		if len(files) > 0 {
			return files
		}
	}
	t.Logf("no corpus of %s eggs beside the repository: only the cases written here are run", kind)
	return files
}

func TestEveryRealEggIsImported(t *testing.T) {
	for name, data := range corpus(t, "valid") {
		t.Run(name, func(t *testing.T) {
			e, warnings, faults := Import(data)
			if len(faults) > 0 {
				t.Fatal(faults)
			}
			for _, w := range warnings {
				t.Log(w)
			}
			if e.Name == "" || len(e.Images) == 0 || !e.Wings || e.Install == nil && strings.Contains(string(data), "mnt/server") {
				t.Errorf("something of the egg is lost: %+v", e)
			}
			if strings.Contains(string(data), `"parser\`) && len(e.Files) == 0 {
				t.Error("its files are lost")
			}
		})
	}
}

func TestEveryBrokenEggIsRefusedWithItsPlace(t *testing.T) {
	for name, data := range corpus(t, "malformed") {
		t.Run(name, func(t *testing.T) {
			_, _, faults := Import(data)
			if len(faults) == 0 || faults[0].Line < 2 || faults[0].Field == "" || faults[0].Message == "" {
				t.Errorf("refused with %v, want a line and a field", faults)
			}
			t.Log(faults)
		})
	}
}

func BenchmarkImport(b *testing.B) {
	var all [][]byte
	for _, data := range corpus(b, "valid") {
		all = append(all, data)
	}
	if len(all) == 0 {
		all = append(all, []byte(small))
	}
	n := 0
	for b.Loop() {
		if _, _, faults := Import(all[n%len(all)]); len(faults) > 0 {
			b.Fatal(faults)
		}
		n++
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(n)*1000, "s/1000-eggs")
}
