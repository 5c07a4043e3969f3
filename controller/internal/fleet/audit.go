package fleet

import (
	"reflect"
	"time"

	"github.com/google/uuid"

	"github.com/lormas/lormas/shared/id"
)

// AuditEntry is one line of who did what. It never holds a secret.
type AuditEntry struct {
	ID         id.AuditID
	At         time.Time
	ActorKind  ActorKind
	ActorID    uuid.UUID // zero for system and anonymous
	ActorName  string
	Verb       Verb
	TargetKind string // node, container, egg, …
	TargetID   uuid.UUID
	TargetName string
	Outcome    Outcome
	Reason     string // why it was denied or failed
	Address    string
	RequestID  string
	Detail     map[string]any // what there is to say besides; JSON

	// What a change made of what: the fields that it changed, and no others.
	Before, After map[string]any
}

// Edited notes what a change made of a thing. Of both sides it keeps only what
// differs.
func (e *AuditEntry) Edited(before, after map[string]any) {
	e.Before, e.After = map[string]any{}, map[string]any{}
	for key, was := range before {
		if is, still := after[key]; !still || !reflect.DeepEqual(was, is) {
			e.Before[key] = was
		}
	}
	for key, is := range after {
		if was, had := before[key]; !had || !reflect.DeepEqual(was, is) {
			e.After[key] = is
		}
	}
}

// ActorKind is what sort of somebody acted.
type ActorKind string

// The kinds of actor.
const (
	ActorUser      ActorKind = "user"
	ActorToken     ActorKind = "token"
	ActorNode      ActorKind = "node"
	ActorSystem    ActorKind = "system"
	ActorAnonymous ActorKind = "anonymous"
)

// Outcome is how it ended.
type Outcome string

// The outcomes.
const (
	OutcomeOK     Outcome = "ok"
	OutcomeDenied Outcome = "denied"
	OutcomeFailed Outcome = "failed"
)
