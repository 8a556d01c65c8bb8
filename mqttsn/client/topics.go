package client

import (
	"maps"
	"strings"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// topics are the names that ids stand for. What the gateway sends and what it
// is sent are kept apart: an id that may be stale must not publish to somebody
// else's topic, but what comes with it is still understood.
type topics struct {
	predefined map[uint16]string
	numbers    map[string]uint16 // of predefined topics
	names      map[uint16]string // of what comes
	ids        map[string]uint16 // for what goes
}

func newTopics(predefined map[uint16]string) topics {
	t := topics{
		predefined: maps.Clone(predefined), numbers: map[string]uint16{},
		names: map[uint16]string{}, ids: map[string]uint16{},
	}
	for id, name := range predefined {
		t.numbers[name] = id
	}
	return t
}

// renew forgets what a new connection makes doubtful: a gateway may number anew
// at every CONNECT (6.10), and does after one for a clean session.
func (t *topics) renew(clean bool) {
	clear(t.ids)
	if clean {
		clear(t.names)
	}
}

// learn takes an agreed id; a name that had it before has none any more.
func (t *topics) learn(name string, id uint16) {
	if old, ok := t.names[id]; ok && old != name {
		t.forget(id)
	}
	t.names[id], t.ids[name] = name, id
}

// forget takes an id out of use that the gateway does not know.
func (t *topics) forget(id uint16) {
	if name := t.names[id]; t.ids[name] == id {
		delete(t.ids, name)
	}
}

// name is the topic of a message that came; empty if unknown.
func (t *topics) name(kind mqttsn.TopicIDType, id uint16) string {
	switch kind {
	case mqttsn.TopicNormal:
		return t.names[id]
	case mqttsn.TopicPredefined:
		return t.predefined[id]
	case mqttsn.TopicShort:
		name := mqttsn.ShortName(id)
		return string(name[:])
	}
	return ""
}

// fixed is the id of a topic that needs no registration: a predefined one, or a
// name of two octets (6.7).
func (t *topics) fixed(name string) (kind mqttsn.TopicIDType, id uint16) {
	if id, ok := t.numbers[name]; ok {
		return mqttsn.TopicPredefined, id
	}
	if len(name) == 2 && !strings.ContainsAny(name, "+#") {
		return mqttsn.TopicShort, mqttsn.ShortID([]byte(name))
	}
	return mqttsn.TopicNormal, 0
}
