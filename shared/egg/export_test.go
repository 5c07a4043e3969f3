package egg

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhatIsExportedImportsBackEqual(t *testing.T) {
	files := corpus(t, "valid")
	files["small"] = []byte(small)
	files["choice"] = []byte(spoilt(t, `"startup": "./run {{PORT}}"`, `"startup_commands": {"Z": "z <&>", "A": "a"}, "uuid": "u", "tags": ["t"]`))
	for name, data := range files {
		e, _, faults := Import(data)
		if len(faults) > 0 {
			t.Fatal(name, faults)
		}
		for _, version := range []string{"PTDL_v2", "PLCN_v3"} {
			text, err := Export(e, version)
			if err != nil {
				t.Fatal(err)
			}
			back, _, faults := Import(text)
			if diff := cmp.Diff(e, back); diff != "" || len(faults) > 0 || Version(text) != version {
				t.Errorf("%s as %s comes back different: %v %s", name, version, faults, diff)
			}
		}
	}
	if _, err := Export(Egg{}, "PTDL_v1"); err == nil {
		t.Error("PTDL_v1 is written")
	}
}
