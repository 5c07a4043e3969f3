package sim

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/lormas/lormas/controller/internal/store"
)

// reigning is what a controller does about others like it: it goes on as long
// as the process lives. It follows reign.Reign, whose decisions it uses.
func (c *controller) rounds() {
	c.round()
	c.proc.after(c.claim.Pause(), c.rounds)
}

func (c *controller) round() {
	sent := c.wall()
	claim := c.claim
	var term int64
	var length time.Duration
	var begins bool
	c.w.db.tx(&c.proc, func(r *rows) error {
		b, renews, l, err := claim.Round(r.reigns())
		if err != nil {
			return err
		}
		begins, length, term = b, l, claim.Term()
		if c.w.rules.NoReign && !renews { // whoever begins reigns, whoever else does
			begins = true
		}
		switch {
		case begins:
			term = r.beginReign(c.name, length)
		case renews:
			c.claim = c.claim.Writing(sent, length)
			r.renewReign(c.name, length)
		default:
			r.standBy(c.name)
		}
		return nil
	}, func(err error) {
		switch {
		case err != nil && err != errDatabase:
			c.deposed(err)
		case err == nil && term > 0:
			c.claim = c.claim.Granted(sent, term, length)
			if begins {
				c.w.logf("%s: reigns, term %d", c.name, term)
				c.load()
			}
		}
	})
}

// deposed ends the process; its supervisor begins it anew, to stand by.
func (c *controller) deposed(err error) {
	c.w.logf("%s: ends: %s", c.name, err)
	c.crash()
	c.w.after(c.w.between(time.Second, 3*time.Second), c.begin)
}

// authority is asked before anything is granted or decided.
func (c *controller) authority(now time.Time) (term int64, ok bool) {
	term, ok = c.claim.Authority(now)
	return term, ok || c.w.rules.NoTenure && term > 0
}

// resign gives the lease back, if the database is there.
func (c *controller) resign() {
	if k := c.w.db.rows.reign(c.name); c.w.db.up && !c.proc.dbCut && k.term == c.claim.Term() {
		k.until = 0
	}
}

// reignRow is a controller as Postgres has it.
type reignRow struct {
	id    string
	term  int64
	until time.Duration // by the clock of Postgres; 0: no lease
	seen  time.Duration
}

func (r *rows) reigns() []store.Controller {
	now := r.w.db.clock.at(r.w.now)
	var all []store.Controller
	for _, k := range r.controllers {
		all = append(all, store.Controller{ID: k.id, Term: k.term, LeaseLeft: max(0, k.until-now), Unseen: now - k.seen})
	}
	slices.SortStableFunc(all, func(a, b store.Controller) int { return cmp.Or(-cmp.Compare(a.Term, b.Term), cmp.Compare(a.ID, b.ID)) })
	return all
}

func (r *rows) reign(id string) *reignRow {
	for _, k := range r.controllers {
		if k.id == id {
			return k
		}
	}
	k := &reignRow{id: id}
	r.controllers = append(r.controllers, k)
	return k
}

func (r *rows) standBy(id string) {
	k := r.reign(id)
	k.seen, k.until = r.w.db.clock.at(r.w.now), 0
}

func (r *rows) beginReign(id string, length time.Duration) (term int64) {
	for _, k := range r.controllers {
		k.until = 0
	}
	r.terms++
	k, now := r.reign(id), r.w.db.clock.at(r.w.now)
	k.term, k.seen, k.until = r.terms, now, now+length
	return k.term
}

func (r *rows) renewReign(id string, length time.Duration) {
	k, now := r.reign(id), r.w.db.clock.at(r.w.now)
	k.seen, k.until = now, now+length
}

// tx is a transaction that only the controller that reigns may do.
func (c *controller) tx(do func(*rows) error, done func(error)) { c.slowTx(0, do, done) }

// slowTx is one that has to wait for locks.
func (c *controller) slowTx(wait time.Duration, do func(*rows) error, done func(error)) {
	term := c.claim.Term()
	c.proc.after(wait+c.w.db.locks+c.w.between(0, 2*time.Millisecond), func() { // it may stand still here
		c.w.db.tx(&c.proc, func(r *rows) error {
			if !r.rulesNow(term) && !c.w.rules.NoTermFence {
				return errDeposed
			}
			return do(r)
		}, done)
	})
}

var errDeposed = errors.New("another controller reigns")

// rules reports whether a term is the newest: what a transaction of a reign
// begins with.
func (r *rows) rulesNow(term int64) bool {
	return slices.ContainsFunc(r.controllers, func(k *reignRow) bool { return k.term == term && k.until > 0 })
}
