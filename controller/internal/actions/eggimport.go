package actions

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/egg"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// EggFile is what ImportEgg takes: an egg of Pterodactyl or Pelican.
type EggFile struct {
	CategoryID *id.EggCategoryID // nil: none, or as it is
	Data       []byte
	URL        string   // where to fetch Data from; "": it is there
	As         id.EggID // the egg that it is a newer file of; zero: the one with its uuid, if there is one
	DryRun     bool
	Key        string `json:"-"` // Idempotency-Key
}

// ImportedEgg is what became of the file of an egg.
type ImportedEgg struct {
	Egg      fleet.Egg
	Outcome  string // created, updated or unchanged
	Warnings []egg.Diagnostic
	Changes  []EggChange // of an update
}

// EggChange is a field that an import changed.
type EggChange struct {
	Field         string
	Before, After json.RawMessage // nil where it has no value
}

// errDryRun undoes what was only tried.
var errDryRun = errors.New("dry run")

// UpdateEgg fetches the newest file of an egg from where it says that this is,
// and brings the egg up to it.
func (s *Service) UpdateEgg(ctx context.Context, actor authz.Actor, eggID id.EggID, dryRun bool) (ImportedEgg, error) {
	e, err := s.Egg(ctx, actor, eggID)
	if err != nil {
		return ImportedEgg{}, err
	}
	if err := s.check(ctx, actor, fleet.EggEdit, ofEgg(e)); err != nil {
		return ImportedEgg{}, err
	}
	if e.Egg.UpdateURL == "" {
		return ImportedEgg{}, fleet.Errorf(fleet.Conflict,
			"%s does not say where its newest file is: set its update_url with PUT /eggs/{id}, or send the file to POST /eggs/import?eggId=%s", e.Egg.Name, e.ID)
	}
	return s.ImportEgg(ctx, actor, EggFile{URL: e.Egg.UpdateURL, As: e.ID, DryRun: dryRun})
}

// ImportEgg files an egg, or brings the one with the same uuid up to the file.
func (s *Service) ImportEgg(ctx context.Context, actor authz.Actor, in EggFile) (ImportedEgg, error) {
	verb := fleet.EggCreate
	if !in.As.IsZero() {
		verb = fleet.EggEdit
	}
	if err := s.check(ctx, actor, verb, subject{kind: "egg", id: uuid.UUID(in.As)}); err != nil {
		return ImportedEgg{}, err
	}
	if in.URL != "" {
		var err error
		if in.Data, err = s.Fetch(ctx, in.URL); err != nil {
			return ImportedEgg{}, err
		}
	}
	read, warnings, found := egg.Import(in.Data)
	if len(found) > 0 {
		return ImportedEgg{}, misread(found)
	}
	known, isKnown, err := s.knownEgg(ctx, in.As, &read)
	if err == nil && isKnown {
		err = s.check(ctx, actor, fleet.EggEdit, ofEgg(known))
	}
	if err != nil {
		return ImportedEgg{}, err
	}
	fresh := fleet.Egg{ID: id.New[id.EggID](), CategoryID: in.CategoryID, Egg: read, Generation: 1, CreatedAt: s.now()}
	fresh.UpdatedAt = fresh.CreatedAt
	o, err := s.once(actor, fleet.EggCreate, in.Key, in)
	if err != nil {
		return ImportedEgg{}, err
	}
	var out ImportedEgg
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		out = ImportedEgg{Egg: fresh, Outcome: "created"}
		if done, err := tx.Recall(ctx, o, &out); done || err != nil {
			return err
		}
		if isKnown {
			out.Egg.ID = known.ID
			err = s.importAgain(ctx, tx, actor, in, &out)
		} else {
			err = importNew(ctx, tx, actor, in, out.Egg)
		}
		var f *fleet.Error
		if errors.As(err, &f) && f.Kind == fleet.Conflict && len(f.Faults) > 0 && f.Faults[0].Field == "name" {
			return nameTaken(read)
		}
		if err != nil {
			return err
		}
		if in.DryRun {
			return errDryRun
		}
		return tx.Remember(ctx, o, ImportedEgg{Egg: fleet.Egg{ID: out.Egg.ID}, Outcome: out.Outcome, Changes: out.Changes})
	})
	out.Warnings = warnings
	if in.DryRun && errors.Is(err, errDryRun) {
		return out, nil
	}
	if err != nil {
		return ImportedEgg{}, fmt.Errorf("import egg: %w", err)
	}
	out.Egg, err = s.Store.Egg(ctx, out.Egg.ID)
	return out, err
}

// knownEgg is the egg that a file is of. One without a uuid takes that of the
// egg that people say it is of.
func (s *Service) knownEgg(ctx context.Context, as id.EggID, read *egg.Egg) (known fleet.Egg, isKnown bool, err error) {
	if as.IsZero() {
		return s.Store.SameEgg(ctx, read.UUID, read.Name)
	}
	if known, err = s.Store.Egg(ctx, as); err != nil {
		return fleet.Egg{}, false, err
	}
	if read.UUID != "" && known.Egg.UUID != "" && read.UUID != known.Egg.UUID {
		return fleet.Egg{}, false, fleet.Errorf(fleet.Conflict,
			"the file is of another egg: its uuid is %s, and that of %s is %s. Import it without saying which egg it is of", read.UUID, known.Egg.Name, known.Egg.UUID)
	}
	read.UUID = cmp.Or(read.UUID, known.Egg.UUID)
	return known, true, nil
}

func importNew(ctx context.Context, tx *store.Tx, actor authz.Actor, in EggFile, e fleet.Egg) error {
	if err := tx.InsertEgg(ctx, e); err != nil {
		return err
	}
	if err := tx.KeepEggSource(ctx, e.ID, in.Data); err != nil {
		return err
	}
	return tx.InsertAudit(ctx, detailed(entry(actor, fleet.EggCreate, ofEgg(e)), map[string]any{"imported": egg.Version(in.Data)}))
}

// importAgain brings an egg up to its file, as its next generation. One that
// says the same already is left alone.
func (s *Service) importAgain(ctx context.Context, tx *store.Tx, actor authz.Actor, in EggFile, out *ImportedEgg) error {
	e, err := tx.LockEgg(ctx, out.Egg.ID)
	if err != nil {
		return err
	}
	next := e
	next.Egg = keepNative(e.Egg, out.Egg.Egg)
	if in.CategoryID != nil {
		next.CategoryID = in.CategoryID
	}
	out.Egg, out.Outcome = e, "unchanged"
	if out.Changes, err = eggChanges(e, next); err != nil || len(out.Changes) == 0 {
		return err
	}
	if next.Egg.UUID == "" && in.As.IsZero() { // it is another egg of that name, for all we know
		return nameTaken(next.Egg)
	}
	next.Generation, next.UpdatedAt = e.Generation+1, s.now()
	out.Egg, out.Outcome = next, "updated"
	if err := tx.UpdateEgg(ctx, next); err != nil {
		return err
	}
	if err := tx.KeepEggSource(ctx, e.ID, in.Data); err != nil {
		return err
	}
	audit := detailed(entry(actor, fleet.EggEdit, ofEgg(next)), map[string]any{"imported": egg.Version(in.Data)})
	return tx.InsertAudit(ctx, edited(audit, eggAudit(e), eggAudit(next)))
}

// keepNative leaves what the file of an egg has no words for as it was set
// here.
func keepNative(before, read egg.Egg) egg.Egg {
	read.Command, read.User, read.Ports, read.Health = before.Command, before.User, before.Ports, before.Health
	if slices.Contains(before.Volumes, egg.Volume{Name: spec.HomeVolume, Container: spec.HomePath}) {
		read.Volumes = before.Volumes
	}
	return read
}

// eggChanges compares two eggs by the fields that people see.
func eggChanges(before, after fleet.Egg) ([]EggChange, error) {
	was, err := eggFields(before)
	if err != nil {
		return nil, err
	}
	is, err := eggFields(after)
	if err != nil {
		return nil, err
	}
	var changes []EggChange
	t := reflect.TypeFor[egg.Egg]()
	names := []string{"categoryId"}
	for i := range t.NumField() {
		name, _, _ := bytes.Cut([]byte(t.Field(i).Tag.Get("json")), []byte(","))
		names = append(names, string(name))
	}
	for _, name := range names {
		if !bytes.Equal(was[name], is[name]) {
			changes = append(changes, EggChange{Field: name, Before: was[name], After: is[name]})
		}
	}
	return changes, nil
}

// eggFields are the fields of an egg as they are when it was stored and read.
func eggFields(e fleet.Egg) (map[string]json.RawMessage, error) {
	text, err := json.Marshal(e.Egg)
	if err != nil {
		return nil, fmt.Errorf("compare eggs: %w", err)
	}
	var again egg.Egg
	if err := json.Unmarshal(text, &again); err != nil {
		return nil, fmt.Errorf("compare eggs: %w", err)
	}
	text, err = json.Marshal(struct {
		CategoryID *id.EggCategoryID `json:"categoryId,omitempty"`
		egg.Egg
	}{e.CategoryID, again})
	if err != nil {
		return nil, fmt.Errorf("compare eggs: %w", err)
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, fmt.Errorf("compare eggs: %w", err)
	}
	return fields, nil
}

// EggSource shows the file that an egg was imported from.
func (s *Service) EggSource(ctx context.Context, actor authz.Actor, eggID id.EggID) (fleet.Egg, []byte, error) {
	e, err := s.Egg(ctx, actor, eggID)
	if err != nil {
		return fleet.Egg{}, nil, err
	}
	source, err := s.Store.EggSource(ctx, eggID)
	if err == nil && source == nil {
		err = fleet.Errorf(fleet.NotFound, "egg %s was not imported from a file: GET /eggs/export/%s writes one", e.Egg.Name, eggID)
	}
	return e, source, err
}

// misread is the error of a file that is no egg.
func misread(found []egg.Diagnostic) error {
	var f faults
	for _, d := range found {
		f = append(f, spec.Fault{Line: d.Line, Field: d.Field, Message: d.Message})
	}
	err := fleet.InvalidFields(f...)
	err.Message = "the file is not an egg; see errors for each line"
	return err
}

// nameTaken says what to do about another egg of that name.
func nameTaken(e egg.Egg) error {
	about := "the file has no uuid to tell whether it is the same: if it is, say so with ?eggId= (lormas egg import --egg NAME)"
	if e.UUID != "" {
		about = fmt.Sprintf("it has not the uuid %s of the file: set it with PUT /eggs/{id} if the two are the same", e.UUID)
	}
	err := fleet.Errorf(fleet.Conflict, "there is another egg named %q, and %s; else change the name in the file, or rename or delete that egg", e.Name, about)
	err.Faults = []spec.Fault{{Field: "name", Message: "another egg has this name"}}
	return err
}
