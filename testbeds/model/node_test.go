package model

import "time"

// nodeState is what a gateway remembers of a node.
type nodeState struct {
	asleep bool
	sleep  time.Duration
}

func (n *nodeState) clone() *nodeState { c := *n; return &c }

func (s *session) slept() bool { return s.node != nil && s.node.asleep }

func (n *nodeState) wakes(now time.Duration) time.Duration { return now + n.sleep }
