package session

import "encoding/binary"

// maxTopics is how many topic ids one node may have.
const maxTopics = 256

// Topics are a node's normal topic ids. They are its own, never used again in
// its session (T6), and stored with it (T5). Each is confirmed to the node once
// a connection, by REGISTER or by the answer to its own request.
type topics struct {
	byName map[string]*registered
	byID   map[uint16]*registered
	last   uint16 // the newest id
	msgID  uint16 // of our last REGISTER
}

type registered struct {
	name    string
	id      uint16
	told    bool // in this connection
	refused bool // by the node (T3)
}

// id is a name's id, and whether the node was told in this connection.
func (t *topics) id(name string) (id uint16, told bool) {
	if r := t.byName[name]; r != nil {
		return r.id, r.told
	}
	return 0, false
}

func (t *topics) name(id uint16) (string, bool) {
	if r := t.byID[id]; r != nil {
		return r.name, true
	}
	return "", false
}

// add gives a name an id above floor, or the one that it has; 0: there are too
// many. fresh: the id is new.
func (t *topics) add(name string, floor uint16) (id uint16, fresh bool) {
	if r := t.byName[name]; r != nil {
		return r.id, false
	}
	if len(t.byName) >= maxTopics || max(t.last, floor) >= 0xFFFE {
		return 0, false
	}
	t.last = max(t.last, floor) + 1
	t.set(&registered{name: name, id: t.last})
	return t.last, true
}

func (t *topics) set(r *registered) {
	if t.byName == nil {
		t.byName, t.byID = map[string]*registered{}, map[uint16]*registered{}
	}
	t.byName[r.name], t.byID[r.id] = r, r
}

// tell notes that the node knows the name's id; true: it did not before.
func (t *topics) tell(name string) bool {
	r := t.byName[name]
	if r == nil || r.told {
		return false
	}
	r.told, r.refused = true, false
	return true
}

func (t *topics) refuse(name string) {
	if r := t.byName[name]; r != nil {
		r.refused, r.told = true, false
	}
}

func (t *topics) refused(name string) bool {
	r := t.byName[name]
	return r != nil && r.refused
}

// allow takes refusals back: the node has subscribed again.
func (t *topics) allow() {
	for _, r := range t.byName {
		r.refused = false
	}
}

func (t *topics) nextMsgID() uint16 {
	if t.msgID++; t.msgID == 0 {
		t.msgID = 1
	}
	return t.msgID
}

const extensionVersion = 1

// append encodes the table: version, the newest id, then each id and name in
// the order in which they were given.
func (t *topics) append(b []byte) []byte {
	b = append(b, extensionVersion)
	b = binary.BigEndian.AppendUint16(b, t.last)
	for id := 1; id <= int(t.last); id++ {
		if r := t.byID[uint16(id)]; r != nil {
			b = binary.BigEndian.AppendUint16(b, r.id)
			b = binary.BigEndian.AppendUint16(b, uint16(len(r.name)))
			b = append(b, r.name...)
		}
	}
	return b
}

// restore decodes what append made; a table that it cannot read stays empty.
func (t *topics) restore(b []byte) {
	if len(b) < 3 || b[0] != extensionVersion {
		return
	}
	t.last = binary.BigEndian.Uint16(b[1:])
	for b = b[3:]; len(b) >= 4; {
		id, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if b = b[4:]; n > len(b) {
			return
		}
		t.set(&registered{name: string(b[:n]), id: id})
		b = b[n:]
	}
}
