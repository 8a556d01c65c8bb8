package config

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// parsePredefined reads CLIENT:ID=TOPIC.
func parsePredefined(s string) (p Predefined, err error) {
	left, topic, ok := strings.Cut(s, "=")
	colon := strings.LastIndex(left, ":")
	if !ok || topic == "" || colon <= 0 {
		return p, fmt.Errorf("%q is no predefined topic; write CLIENT:ID=TOPIC, with * for every client", s)
	}
	id, err := strconv.ParseUint(left[colon+1:], 10, 16)
	if err != nil || id == 0 || id == 0xFFFF { // both are reserved (5.3.11)
		return p, fmt.Errorf("%q: the id is %q; use 1 to 65534", s, left[colon+1:])
	}
	if strings.ContainsAny(topic, "+#") {
		return p, fmt.Errorf("%q: a predefined topic has no wildcards", s)
	}
	if strings.ContainsRune(topic, 0) || !utf8.ValidString(topic) || len(topic) > 65_535 {
		return p, fmt.Errorf("%q: a topic is at most 65535 octets of UTF-8 without U+0000", s)
	}
	return Predefined{left[:colon], uint16(id), topic}, nil
}

// addPredefined checks the predefined topics: an id means one topic to a client.
func (s *settings) addPredefined(c *Config) error {
	type key struct {
		client string
		id     uint16
	}
	type known struct{ topic, where string }
	seen := map[key]known{}
	for _, set := range s.predefined {
		p, err := parsePredefined(set.value)
		if err != nil {
			return set.fail(err)
		}
		k := key{p.Client, p.ID}
		old, again := seen[k]
		switch {
		case !again:
			seen[k] = known{p.Topic, set.where}
			c.Predefined = append(c.Predefined, p)
		case old.topic != p.Topic:
			return set.fail(fmt.Errorf("id %d of client %q is %q here and %q at %s; leave out one", p.ID, p.Client, p.Topic, old.topic, old.where))
		}
	}
	return nil
}
