//go:build linux

package main

import (
	"strings"

	"golang.org/x/sys/unix"
)

// A topic is a name and who takes it.
type topic struct {
	name  string
	id    uint16 // for nodes; 0: none yet
	conns []subscriber
	nodes []unix.RawSockaddrInet4 // the subscribers among the nodes
}

// A subscriber is a connection, as long as its descriptor has the same use.
type subscriber struct {
	fd  int32
	use uint32
}

// topics are all names seen.
type topics struct {
	byName   map[string]*topic
	byID     []*topic
	prefixes []*topic // filters that end in "#", without it
}

func newTopics() topics {
	return topics{byName: map[string]*topic{}, byID: make([]*topic, 1)}
}

// find returns the topic with that name, a new one if need be.
func (t *topics) find(name []byte) *topic {
	found := t.byName[string(name)]
	if found == nil {
		found = &topic{name: string(name)}
		for _, p := range t.prefixes {
			if strings.HasPrefix(found.name, p.name) {
				found.conns = append(found.conns, p.conns...)
			}
		}
		t.byName[found.name] = found
	}
	return found
}

// number returns the topic's id for nodes. There are 65,534: the rest shares the last.
func (t *topics) number(x *topic) uint16 {
	if x.id == 0 {
		if len(t.byID) == 0xffff {
			return 0xfffe
		}
		x.id = uint16(len(t.byID))
		t.byID = append(t.byID, x)
	}
	return x.id
}

// numbered returns the topic with that id, or nil.
func (t *topics) numbered(id uint16) *topic {
	if int(id) < len(t.byID) {
		return t.byID[id]
	}
	return nil
}

// each calls f with every topic that the filter matches, and with one that
// stands for the names still to come.
func (t *topics) each(filter []byte, f func(*topic)) {
	name, isPrefix := strings.CutSuffix(string(filter), "#")
	if !isPrefix {
		f(t.find(filter))
		return
	}
	p := &topic{name: name}
	t.prefixes = append(t.prefixes, p)
	f(p)
	for _, x := range t.byName {
		if strings.HasPrefix(x.name, name) {
			f(x)
		}
	}
}
