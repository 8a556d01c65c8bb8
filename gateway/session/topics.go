package session

import (
	"cmp"
	"slices"
)

// How many topic ids one node may have, and octets of their names.
const (
	maxTopics     = 256
	maxTopicNames = 64 << 10
)

// Topics are a node's normal topic ids. They are its own, never used again in
// its session (T6), and stored with it (T5). Each is confirmed to the node once
// a CONNECT, by REGISTER or by the answer to its own request.
type topics struct {
	list  []registered // by id, which is the order in which they were given
	last  uint16       // the newest id
	msgID uint16       // of our last REGISTER

	octets int // of the names
	stored int // of the list: whose names are
}

// noTopics is for nodes that have none, and is never written.
var noTopics topics

func (s *Session) ownTopics() *topics {
	if s.topics == &noTopics {
		s.topics = &topics{}
	}
	return s.topics
}

type registered struct {
	name    string
	id      uint16
	told    bool // since CONNECT
	refused bool // by the node (T3)
}

// find is the registration of a name. Few nodes have more than some, and none
// more than maxTopics.
func (t *topics) find(name string) *registered {
	for i := range t.list {
		if t.list[i].name == name {
			return &t.list[i]
		}
	}
	return nil
}

// id is a name's id, and whether the node was told of it.
func (t *topics) id(name string) (id uint16, told bool) {
	if r := t.find(name); r != nil {
		return r.id, r.told
	}
	return 0, false
}

func (t *topics) name(id uint16) (string, bool) {
	i, ok := slices.BinarySearchFunc(t.list, id, func(r registered, id uint16) int { return cmp.Compare(r.id, id) })
	if !ok {
		return "", false
	}
	return t.list[i].name, true
}

// add gives a name an id above floor, or the one that it has; 0: there are too
// many. fresh: the id is new.
func (t *topics) add(name string, floor uint16) (id uint16, fresh bool) {
	if r := t.find(name); r != nil {
		return r.id, false
	}
	if len(t.list) >= maxTopics || t.octets+len(name) > maxTopicNames || max(t.last, floor) >= maxTopicID {
		return 0, false
	}
	t.octets += len(name)
	t.last = max(t.last, floor) + 1
	t.list = append(t.list, registered{name: name, id: t.last})
	return t.last, true
}

// giveBack forgets the newest name, which nobody was told of. Its id is not used
// again.
func (t *topics) giveBack() {
	n := len(t.list) - 1
	t.octets -= len(t.list[n].name)
	t.list = t.list[:n]
}

// maxTopicID is the highest topic id; 0x0000 and 0xFFFF are reserved (5.3.11).
const maxTopicID = 0xFFFE

// tell notes that the node knows the name's id; true: it did not before.
func (t *topics) tell(name string) bool {
	r := t.find(name)
	if r == nil || r.told {
		return false
	}
	r.told, r.refused = true, false
	return true
}

func (t *topics) refuse(name string) {
	if r := t.find(name); r != nil {
		r.refused, r.told = true, false
	}
}

func (t *topics) refused(name string) bool {
	r := t.find(name)
	return r != nil && r.refused
}

// allow takes refusals back: the node has subscribed again.
func (t *topics) allow() {
	for i := range t.list {
		t.list[i].refused = false
	}
}

// connected has each id confirmed to the node again (T5), and what it refused
// offered (T3).
func (t *topics) connected() {
	for i := range t.list {
		t.list[i].told, t.list[i].refused = false, false
	}
}

func (t *topics) nextMsgID() uint16 {
	if t.msgID++; t.msgID == 0 {
		t.msgID = 1
	}
	return t.msgID
}
