package world

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// never is later than any time in a world.
const never shard.Time = 1 << 62

// late is how long a copy of a datagram may be under way, to the shard where it
// comes in and from there to the node's.
func (o *Options) late() shard.Time { return o.Delay.Max + o.Post.Max }

// A history is what the actors of a world know of it: what they did, what they
// were told, and when. It knows nothing of the cores.
type history struct {
	world      *World
	messages   []*message
	byPayload  map[string]*message
	subjects   []*subject
	crashes    []shard.Time
	disk       bool // it failed at times
	violations []string
}

// A message is what an actor publishes, under a payload that no other has.
type message struct {
	publisher string
	seq       int // among the publisher's
	node      bool
	topic     string
	payload   string
	qos       byte
	retain    bool
	will      bool

	first, last shard.Time // when it was sent
	sends       int
	anew        int        // times it was sent as if it were another one, since the session was gone
	acked       shard.Time // never: not
	refused     bool

	// Of a will: when its connection was accepted, and when that was ended with
	// or without DISCONNECT, as far as the client is sure.
	began, revoked, due shard.Time
}

// A subject is an actor as one who subscribes and receives.
type subject struct {
	name  string
	node  bool
	slack shard.Time // how long a copy of a datagram may be under way
	spans []*span
	ends  []*ending
	cuts  []shard.Time // of its connections, of clients
	got   []receipt
}

// A span is one subscription, from when it is asked for until its end is
// acknowledged.
type span struct {
	shared                         bool   // with the group that filter names
	names                          string // the filter without the group
	filter                         string
	qos                            byte // asked for, then granted
	asked, acked, unasked, unacked shard.Time
	lastSent                       shard.Time // the last SUBSCRIBE
}

// An ending is a session's end, which was certain by then.
type ending struct{ by shard.Time }

// A receipt is a message that an actor received.
type receipt struct {
	at          shard.Time
	message     *message
	topic       string
	qos         byte
	dup, retain bool
}

func newHistory(w *World) *history {
	return &history{world: w, byPayload: map[string]*message{}}
}

// violate notes what must not be.
func (h *history) violate(format string, args ...any) {
	text := Clock(h.world.now) + " " + fmt.Sprintf(format, args...)
	h.violations = append(h.violations, text)
	h.world.tell(func() Entry { return Entry{From: "VIOLATION", Text: text} })
}

// message makes a message of a publisher.
func (h *history) message(publisher string, seq int, topic string, qos byte, retain, empty bool) *message {
	m := &message{
		publisher: publisher, seq: seq, topic: topic, qos: qos, retain: retain,
		first: never, last: never, acked: never, began: never, revoked: never, due: never,
	}
	if !empty {
		m.payload = fmt.Sprintf("%s-%d %s", publisher, seq, topic)
		h.byPayload[m.payload] = m
	}
	h.messages = append(h.messages, m)
	return m
}

// sent notes that m is on its way, perhaps again.
func (h *history) sent(m *message) {
	if m.sends++; m.sends == 1 {
		m.first = h.world.now
	}
	m.last = h.world.now
}

func (h *history) subject(name string) *subject {
	s := &subject{name: name}
	h.subjects = append(h.subjects, s)
	return s
}

// received notes a message that an actor got. The topic is as the actor
// understood it.
func (h *history) received(s *subject, topic string, payload []byte, qos byte, dup, retain bool) {
	if len(payload) == 0 {
		return // the end of a retained message says nothing of who sent it
	}
	m := h.byPayload[string(payload)]
	if m == nil {
		h.violate("%s got what nobody sent: %s %q", s.name, topic, payload)
		return
	}
	if _, named, _ := strings.Cut(string(payload), " "); named != topic {
		h.violate("%s got %q as a message on %s", s.name, payload, topic)
		return
	}
	s.got = append(s.got, receipt{h.world.now, m, topic, qos, dup, retain})
}

// crashed says whether the server did between two times.
func (h *history) crashed(from, to shard.Time) bool {
	return slices.ContainsFunc(h.crashes, func(at shard.Time) bool { return from <= at && at <= to })
}

// subscribe begins a span, and ends the one of the same filter.
func (s *subject) subscribe(filter string, qos byte) *span {
	names, shared := filter, false
	if rest, ok := strings.CutPrefix(filter, "$share/"); ok {
		_, names, shared = strings.Cut(rest, "/")
	}
	x := &span{shared: shared, names: names, filter: filter, qos: qos, asked: never, acked: never, unasked: never, unacked: never}
	s.spans = append(s.spans, x)
	return x
}

// unask notes that the end of a filter's subscription is asked for, or that
// another one takes its place.
func (s *subject) unask(now shard.Time, filter string) {
	for _, x := range s.spans {
		if x.filter == filter {
			x.unasked = min(x.unasked, now)
		}
	}
}

// unack notes that this was acknowledged; but is what took its place.
func (s *subject) unack(now shard.Time, filter string, but *span) {
	for _, x := range s.spans {
		if x.filter == filter && x != but && x.unasked != never {
			x.unacked = min(x.unacked, now)
		}
	}
}

// end notes that the session has ended, at the latest now.
func (s *subject) end(now shard.Time) { s.ends = append(s.ends, &ending{now}) }

// matches says whether a filter matches a topic name, by the words of the
// specification [MQTT-4.7].
func matches(filter, topic string) bool {
	f, t := strings.Split(filter, "/"), strings.Split(topic, "/")
	for i, level := range f {
		switch {
		case level == "#":
			return true
		case i >= len(t) || level != "+" && level != t[i]:
			return false
		}
	}
	return len(f) == len(t)
}
