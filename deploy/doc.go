// Package deploy is what brings Lormas to machines and judges it there. It has
// no code of its own but the tests of its scripts.
package deploy
