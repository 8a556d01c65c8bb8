package bench

import "errors"

// A wake is a node's part in the scenario of sleepers.
type wake struct {
	falling bool // asleep, once the gateway has answered
}

func (n *node) woken(Time) {}

func (r *run) sleepers() error { return errors.New("--sleepers is to come") }
