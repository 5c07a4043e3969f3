package sim

import (
	"errors"
	"time"
)

// database is Postgres: rows that are never lost, transactions that happen at
// one moment, and a line to it that may break at any point.
type database struct {
	w     *World
	up    bool
	clock clock
	rows  *rows

	locks time.Duration // that whoever reigns waits for in each transaction
	mute  bool          // it commits, and nobody hears of it
}

var errDatabase = errors.New("the database did not answer")

// How long a transaction takes, each way.
const (
	usualTx  = 10 * time.Millisecond
	worstTx  = time.Second
	deadline = 2 * time.Second // of a statement that is not answered
)

// tx runs a transaction for a process: do at the moment of its commit, then
// done with what the process can know of the outcome. A process that dies may
// have committed, and one that is told of an error, too.
func (d *database) tx(p *process, do func(*rows) error, done func(error)) {
	life := p.life
	answer := func(err error, after time.Duration) {
		d.w.after(after, func() {
			if p.life == life {
				p.do(func() { done(err) })
			}
		})
	}
	d.w.after(d.w.mostly(usualTx, worstTx, 0.01), func() {
		dead := p.life != life
		if !d.up || p.dbCut || dead && d.w.chance(0.5) || d.w.chance(0.001) {
			answer(errDatabase, deadline)
			return
		}
		err := d.rows.atomically(do)
		d.w.check.committed(err)
		if d.w.chance(0.002) || d.mute { // committed, and nobody hears of it
			answer(errDatabase, deadline)
			return
		}
		answer(err, d.w.mostly(usualTx, worstTx, 0.01))
	})
}

// read is a transaction that only looks.
func (d *database) read(p *process, look func(*rows), done func(error)) {
	d.tx(p, func(r *rows) error { look(r); return nil }, done)
}
