package reconcile

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// The specs of these tests: b changes a's limits, c is another image, d is
// installed.
var (
	specA = spec.Container{Name: "x", Image: "a:1", Resources: spec.Resources{CPU: 500, Memory: 64 * spec.MiB}}
	specB = func() spec.Container { s := specA; s.Resources.CPU = 900; return s }()
	specC = func() spec.Container { s := specA; s.Image = "c:1"; return s }()
	specD = func() spec.Container { s := specA; s.Install = &spec.Install{Image: "i:1"}; s.Name = "d"; return s }()
	known = map[string]spec.Container{specA.Hash(): specA, specB.Hash(): specB, specC.Hash(): specC, specD.Hash(): specD}
)

var epoch = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// wants makes a want; its spec is here.
func wants(epoch int64, s spec.Container, power spec.Power) *want {
	return &want{DesiredContainer: wire.DesiredContainer{Epoch: epoch, Generation: 1, SpecHash: s.Hash(), Power: power}, spec: &s}
}

// again is a want whose installation was asked for once more.
func again(w *want) *want {
	w.Install++
	return w
}

func found(epoch int64, s spec.Container, running bool) *runtime.Found {
	f := &runtime.Found{Epoch: epoch, SpecHash: s.Hash(), DockerID: "d", State: runtime.Exited, Running: running, StartedAt: time.Unix(1, 0)}
	if running {
		f.State = runtime.Running
	}
	return f
}

func worldOf(subjects ...*subject) world {
	w := world{now: epoch, subjects: map[id.ContainerID]*subject{}, specs: known}
	for _, s := range subjects {
		if s.id.IsZero() {
			s.id = id.New[id.ContainerID]()
		}
		if s.want != nil {
			s.want.ID = s.id
		}
		w.subjects[s.id] = s
	}
	return w
}

func verbs(steps []step) []verb {
	var out []verb
	for _, s := range steps {
		out = append(out, s.verb)
	}
	return out
}

func TestNextStep(t *testing.T) {
	unknown := func() *want {
		w := wants(1, specA, spec.Running)
		w.spec = nil
		return w
	}
	for name, c := range map[string]struct {
		s    subject
		want verb
	}{
		"missing":                       {subject{want: wants(1, specA, spec.Running)}, create},
		"missing, its spec too":         {subject{want: unknown()}, none},
		"made":                          {subject{want: wants(1, specA, spec.Running), found: found(1, specA, false)}, start},
		"running":                       {subject{want: wants(1, specA, spec.Running), found: found(1, specA, true)}, none},
		"running, its spec missing":     {subject{want: unknown(), found: found(1, specC, true)}, none},
		"other limits":                  {subject{want: wants(1, specB, spec.Running), found: found(1, specA, true)}, update},
		"another image, running":        {subject{want: wants(1, specC, spec.Running), found: found(1, specA, true)}, stop},
		"another image, ended":          {subject{want: wants(1, specC, spec.Running), found: found(1, specA, false)}, create},
		"of a spec nobody remembers":    {subject{want: wants(1, specA, spec.Running), found: &runtime.Found{Epoch: 1, SpecHash: "?", Running: true}}, stop},
		"should be stopped":             {subject{want: wants(1, specA, spec.Stopped), found: found(1, specA, true)}, stop},
		"should be stopped, other spec": {subject{want: wants(1, specC, spec.Stopped), found: found(1, specA, false)}, none},
		"stopped and never made":        {subject{want: wants(1, specA, spec.Stopped)}, none},
		"should be gone, running":       {subject{want: wants(1, specA, spec.Absent), found: found(1, specA, true)}, stop},
		"should be gone, ended":         {subject{want: wants(1, specA, spec.Absent), found: found(1, specA, false)}, remove},
		"is gone":                       {subject{want: wants(1, specA, spec.Absent)}, none},
		"older epoch, running":          {subject{want: wants(3, specA, spec.Running), found: found(1, specA, true)}, stop},
		"older epoch, ended":            {subject{want: wants(3, specA, spec.Stopped), found: found(1, specA, false)}, remove},
		"newer epoch than wanted":       {subject{want: wants(1, specA, spec.Absent), found: found(3, specA, true)}, none},
		"not in the desired set":        {subject{found: found(1, specA, true)}, none},
		"busy":                          {subject{want: wants(1, specA, spec.Running), memory: memory{busy: create}}, none},
		"not sure":                      {subject{want: wants(1, specA, spec.Running), memory: memory{unsure: true}}, none},
		"broken by the engine":          {subject{want: wants(1, specA, spec.Running), found: &runtime.Found{Epoch: 1, SpecHash: specA.Hash(), State: runtime.Dead}}, create},
		"restart, running":              {subject{want: wants(1, specA, spec.Running), found: found(1, specA, true), memory: memory{restart: &restart{}}}, stop},
		"not known whether installed":   {subject{want: wants(1, specD, spec.Running)}, verify},
		"looked at elsewhere":           {subject{want: wants(2, specD, spec.Running), memory: memory{mark: mark{known: true, done: true, epoch: 1}}}, verify},
		"not installed":                 {subject{want: wants(1, specD, spec.Running), memory: memory{mark: mark{known: true, epoch: 1}}}, install},
		"not installed, given up":       {subject{want: wants(1, specD, spec.Running), memory: memory{mark: mark{known: true, epoch: 1}, stuck: true}}, none},
		"not installed, no lease":       {subject{want: wants(1, specD, spec.Running), memory: memory{mark: mark{known: true, epoch: 1}, standing: standing{refusal: "no lease"}}}, none},
		"not installed, to be stopped":  {subject{want: wants(1, specD, spec.Stopped), memory: memory{mark: mark{known: true, epoch: 1}}}, none},
		"installed":                     {subject{want: wants(1, specD, spec.Running), memory: memory{mark: mark{known: true, done: true, epoch: 1}}}, create},
		"installed, runs":               {subject{want: wants(1, specD, spec.Running), found: found(1, specD, true)}, none},
		"asked for anew, runs":          {subject{want: again(wants(1, specD, spec.Running)), found: found(1, specD, true)}, stop},
		"asked for anew, ended":         {subject{want: again(wants(1, specD, spec.Running)), found: found(1, specD, false), memory: memory{mark: mark{known: true, done: true, epoch: 1}}}, install},
		"installed anew":                {subject{want: again(wants(1, specD, spec.Running)), found: found(1, specD, false), memory: memory{mark: mark{known: true, done: true, epoch: 1, number: 1}}}, create},
		"no installation any more":      {subject{want: again(wants(1, specA, spec.Running)), found: found(1, specA, true)}, none},
		"installer, to be stopped":      {subject{want: wants(1, specD, spec.Stopped), filler: &runtime.Found{Epoch: 1}}, abort},
		"installer of an older epoch":   {subject{want: wants(2, specD, spec.Running), filler: &runtime.Found{Epoch: 1}}, abort},
		"installer of a newer epoch":    {subject{want: wants(1, specD, spec.Stopped), filler: &runtime.Found{Epoch: 2}}, none},
		"restart, up again":             {subject{want: wants(1, specA, spec.Running), found: found(1, specA, true), memory: memory{restart: &restart{stopped: true}}}, none},
	} {
		steps, _ := plan(worldOf(&c.s))
		got := none
		if len(steps) > 0 {
			got = steps[0].verb
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestStopIsAskedAsTheRunningSpecSays(t *testing.T) {
	gentle, rude := specA, specC
	gentle.Stop = spec.Stop{Console: "save and quit"}
	rude.Stop = spec.Stop{Signal: "SIGKILL"}
	w := worldOf(&subject{want: wants(1, rude, spec.Running), found: found(1, gentle, true)})
	w.specs = map[string]spec.Container{gentle.Hash(): gentle, rude.Hash(): rude}
	steps, _ := plan(w)
	if len(steps) != 1 || steps[0].how != gentle.Stop {
		t.Errorf("got %+v, want a stop with the old console text", steps)
	}
}

func TestPausesAreKept(t *testing.T) {
	later := epoch.Add(time.Minute)
	steps, again := plan(worldOf(
		&subject{want: wants(1, specA, spec.Running), memory: memory{notBefore: later}},
		&subject{want: wants(1, specA, spec.Running), memory: memory{notBefore: later.Add(1)}},
	))
	if len(steps) != 0 || !again.Equal(later) {
		t.Errorf("%v at once and again at %s, want nothing before %s", verbs(steps), again, later)
	}
}

func TestTakeAwaysComeFirst(t *testing.T) {
	goes := &subject{want: wants(1, specA, spec.Absent), found: found(1, specA, true), memory: memory{awaySince: epoch}}
	w := worldOf(
		goes,
		&subject{want: wants(1, specA, spec.Running)},
		&subject{want: wants(1, specB, spec.Running), found: found(1, specA, true)},
	)
	expectVerbs(t, w, "at first", stop)
	goes.busy = stop
	_, again := plan(w)
	if !again.Equal(epoch.Add(barrier)) {
		t.Errorf("again at %s, want the end of the barrier", again)
	}
	w.now = again
	expectVerbs(t, w, "when the stop takes long", update)
	goes.busy, goes.found = none, nil
	w.now = epoch
	expectVerbs(t, w, "when it is gone", update)
	for _, s := range w.subjects {
		if s.found != nil {
			s.found = found(1, specB, true)
		}
	}
	expectVerbs(t, w, "when limits are changed", create)
}

func TestATakeAwayThatFailsHoldsUpNobody(t *testing.T) {
	w := worldOf(
		&subject{want: wants(1, specA, spec.Absent), found: found(1, specA, false), memory: memory{awaySince: epoch, notBefore: epoch.Add(time.Hour)}},
		&subject{want: wants(1, specA, spec.Running)},
	)
	expectVerbs(t, w, "while the removal pauses", create)
}

func TestSlotsBoundWhatIsUnderWay(t *testing.T) {
	var subjects []*subject
	for range 10 {
		subjects = append(subjects, &subject{want: wants(1, specA, spec.Running)})
		subjects = append(subjects, &subject{want: wants(1, specA, spec.Running), found: found(1, specA, false)})
	}
	subjects[0].busy, subjects[1].busy = create, start
	steps, _ := plan(worldOf(subjects...))
	got := verbs(steps)
	if c, s := count(got, create), count(got, start); c != maxCreates-1 || s != maxStarts-1 {
		t.Errorf("%d creates and %d starts beside one each, want %d and %d", c, s, maxCreates-1, maxStarts-1)
	}
}

func count(all []verb, v verb) (n int) {
	for _, a := range all {
		if a == v {
			n++
		}
	}
	return n
}

func expectVerbs(t *testing.T, w world, when string, want ...verb) {
	t.Helper()
	steps, _ := plan(w)
	if got := verbs(steps); !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %v", when, got, want)
	}
}

// model is an engine for the property below: it does what steps say, after a
// while, and sometimes fails.
type model struct {
	*rapid.T
	w        world
	failures int // that may still happen
	busyFor  map[id.ContainerID]int
	steps    map[id.ContainerID]step
	volumes  map[id.ContainerID]int64 // which installation they have had; none is missing
}

func drawWorld(t *rapid.T) world {
	specs := rapid.SampledFrom([]spec.Container{specA, specB, specC, specD})
	powers := rapid.SampledFrom([]spec.Power{spec.Running, spec.Stopped, spec.Absent})
	var subjects []*subject
	for i := range rapid.IntRange(1, 8).Draw(t, "containers") {
		s := &subject{memory: memory{awaySince: epoch}}
		if rapid.IntRange(0, 9).Draw(t, "wanted") > 0 {
			s.want = wants(rapid.Int64Range(1, 3).Draw(t, "epoch"), specs.Draw(t, "spec"), powers.Draw(t, "power"))
		}
		if s.want == nil || rapid.Bool().Draw(t, "there") {
			s.found = found(rapid.Int64Range(1, 3).Draw(t, "found epoch"), specs.Draw(t, "found spec"), rapid.Bool().Draw(t, "running"))
		}
		if s.want != nil {
			s.want.Install = rapid.Int64Range(0, 2).Draw(t, "install")
		}
		if s.found != nil {
			s.found.Install = rapid.Int64Range(0, 1).Draw(t, "found install")
		}
		if rapid.IntRange(0, 3).Draw(t, "installer") == 0 {
			s.filler = &runtime.Found{Installer: true, Epoch: rapid.Int64Range(1, 3).Draw(t, "installer epoch"), Running: true}
		}
		s.id = id.ContainerID{15: byte(i + 1)}
		subjects = append(subjects, s)
	}
	return worldOf(subjects...)
}

// However the node is found, and whatever fails for a while: the plan comes
// to an end, there the node is as wanted, and on the way no container had two
// steps at once, nothing that was right was touched, and nothing was started
// beside what had to go first.
func TestPlanConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := model{T: t, w: drawWorld(t), failures: rapid.IntRange(0, 5).Draw(t, "failures"),
			busyFor: map[id.ContainerID]int{}, steps: map[id.ContainerID]step{}, volumes: map[id.ContainerID]int64{}}
		for c := range m.w.subjects {
			if n := rapid.Int64Range(-1, 2).Draw(t, "volume"); n >= 0 {
				m.volumes[c] = n
			}
		}
		const bound = 200
		for range bound {
			steps, again := plan(m.w)
			for _, s := range steps {
				m.check(s)
				m.begin(s)
			}
			if len(m.steps) == 0 && again.IsZero() {
				m.checkEnd()
				return
			}
			if len(m.steps) == 0 && again.After(m.w.now) {
				m.w.now = again
			}
			m.work()
		}
		t.Fatalf("no end after %d rounds", bound)
	})
}

func (m model) check(s step) {
	subject := m.w.subjects[s.id]
	if _, twice := m.steps[s.id]; twice {
		m.Fatalf("%s begun beside %s", s.verb, m.steps[s.id].verb)
	}
	if subject.want == nil {
		m.Fatalf("%s of a container that is not ours", s.verb)
	}
	right := subject.found != nil && subject.want.Power == spec.Running && subject.found.Running &&
		subject.found.Epoch == subject.want.Epoch && subject.found.SpecHash == subject.want.SpecHash && !subject.asksAnew()
	if right && s.verb != abort {
		m.Fatalf("%s of a container that is as it should be", s.verb)
	}
	if s.verb == install && subject.running() {
		m.Fatal("an installation beside its container")
	}
	if s.verb != create && s.verb != start {
		return
	}
	if n, any := m.volumes[s.id]; s.want.spec.Install != nil && (!any || n < s.want.Install) {
		m.Fatalf("%s before installation %d: the volume has had %d (%v)", s.verb, s.want.Install, n, any)
	}
	for _, other := range m.w.subjects {
		if other.takeAway() && !m.w.now.Before(other.notBefore) && m.w.now.Before(other.awaySince.Add(barrier)) {
			m.Fatalf("%s while another container has to go first", s.verb)
		}
	}
}

func (m model) begin(s step) {
	m.steps[s.id] = s
	m.busyFor[s.id] = rapid.IntRange(0, 3).Draw(m.T, "rounds")
	m.w.subjects[s.id].busy = s.verb
	busy := map[verb]int{}
	for _, under := range m.steps {
		busy[under.verb]++
	}
	if busy[create] > maxCreates || busy[start] > maxStarts {
		m.Fatalf("under way: %v", busy)
	}
}

// work lets time pass for the steps under way.
func (m *model) work() {
	for c, s := range m.steps {
		if m.busyFor[c]--; m.busyFor[c] >= 0 {
			continue
		}
		delete(m.steps, c)
		subject := m.w.subjects[c]
		subject.busy = none
		if m.failures > 0 && rapid.Bool().Draw(m.T, "fails") {
			m.failures--
			subject.fail(step{verb: start}, errors.New("no"), m.w.now)
			subject.unsure = false
			continue
		}
		m.apply(subject, s)
	}
}

func (m *model) apply(subject *subject, s step) {
	subject.prepare(s, m.w.now)
	switch s.verb {
	case install:
		m.volumes[s.id] = s.want.Install
	case verify:
		n, done := m.volumes[s.id]
		subject.mark = mark{known: true, done: done, epoch: s.want.Epoch, number: n}
	}
	subject.succeed(s, m.w.now)
	if s.verb == start {
		subject.hear(runtime.Change{Kind: runtime.Started, DockerID: "d", At: m.w.now}, m.w.now)
	}
}

func (m model) checkEnd() {
	for _, s := range m.w.subjects {
		if s.want != nil && !s.ahead() && !s.reached(epoch) {
			m.Fatalf("the plan ended with %+v for %+v", s.found, s.want)
		}
	}
}

func TestPauseDoublesToFiveMinutes(t *testing.T) {
	want := []time.Duration{1, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300}
	for inARow, seconds := range want {
		if got := pause(inARow); got != seconds*time.Second {
			t.Errorf("after %d: %s, want %d s", inARow, got, seconds)
		}
	}
	if got := pause(1 << 30); got != 5*time.Minute {
		t.Errorf("after very many: %s", got)
	}
}

func TestALongRunForgivesCrashes(t *testing.T) {
	for _, c := range []struct {
		inARow int
		ran    time.Duration
		want   int
	}{{0, 0, 1}, {4, 9 * time.Minute, 5}, {4, 10 * time.Minute, 1}} {
		if got := crashesAfter(c.inARow, c.ran); got != c.want {
			t.Errorf("crash %d after a run of %s counts as %d, want %d", c.inARow+1, c.ran, got, c.want)
		}
	}
}
