package session

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// A rig is a session between a broker and a node that do as the test says. What
// is written is durable when the test says commit.
type rig struct {
	t   *testing.T
	s   *Session
	now shard.Time
	out shard.Out

	// the node
	said    []string
	durable shard.Mark
	gated   []gated

	// the broker
	round     shard.Mark // of what is written now
	stored    bool
	fresh     bool // it has no session of the node yet
	ext       []byte
	details   map[uint32][]byte
	written   int // octets of what was stored
	counts    [NumCounters]int
	extended  int // how often it was written
	published []string
	filters   []string
	queue     []Delivery
	flight    *Delivery
	sent      bool // the flight, in this wake
	paused    bool
	closed    string // how the connection ended
	refuse    mqttsn.ReturnCode
	lastID    uint16
}

// gated is a packet that waits for the store.
type gated struct {
	mark shard.Mark
	text string
}

func (r *rig) limits() Limits {
	return Limits{MTU: 1000, LinkInfo: &shard.LinkInfo{
		Listener: "mqttsn://rig", Retry: 10 * time.Second, Retries: 3, AwakeRetry: time.Second,
	}}
}

// connect is a node that has connected; clean: its session is not stored.
func connect(t *testing.T, clean bool) *rig {
	r := &rig{t: t, stored: !clean, round: 1}
	r.reconnect(clean)
	return r
}

func (r *rig) reconnect(clean bool) {
	r.paused, r.sent, r.said = false, false, nil
	s := New(r.now, 1, &mqttsn.Connect{CleanSession: clean, Duration: 600}, "n", r.limits(), &Predefined{})
	r.s = &s
	r.s.Accepted(r.now, &shard.Wake{Present: !r.fresh, Ext: r.ext, Details: r.listed()}, r, r, &r.out)
	r.commit()
	r.hears("CONNACK")
}

// step has the node send packets.
func (r *rig) step(packets ...mqttsn.Packet) {
	for _, p := range packets {
		r.s.Step(r.now, p, r, r, &r.out)
	}
}

// commit makes durable what was written.
func (r *rig) commit() {
	r.durable = r.round
	r.round++
	for len(r.gated) > 0 && r.gated[0].mark <= r.durable {
		r.said = append(r.said, r.gated[0].text)
		r.gated = r.gated[1:]
		r.s.Released(r.now, r, r, &r.out)
	}
}

// hears says what the node has heard since it was last asked for.
func (r *rig) hears(want ...string) {
	r.t.Helper()
	if len(want) == 0 {
		require.Empty(r.t, r.said)
	} else {
		require.Equal(r.t, want, r.said)
	}
	r.said = nil
}

// run lets time pass.
func (r *rig) run(d time.Duration) {
	for end := r.now + d; ; {
		at := r.s.Deadline()
		if at == 0 || at > end {
			r.now = end
			return
		}
		r.now = max(r.now, at)
		r.s.Advance(r.now, r, r, &r.out)
	}
}

// queued has the broker get a message for the node.
func (r *rig) queued(qos byte, topic, payload string) {
	r.queue = append(r.queue, Delivery{Topic: topic, Payload: []byte(payload), QoS: qos})
	if !r.paused {
		r.s.Wake(r.now, r, r, &r.out)
	}
}

// subscribed has the node know a topic by an id.
func (r *rig) subscribed(topic string) {
	r.step(&mqttsn.Subscribe{QoS: 2, MsgID: 9, TopicName: []byte(topic)})
	r.commit()
	r.said = nil
}

// sleeps has the node go to sleep, whatever it was told before.
func (r *rig) sleeps(seconds uint16) {
	r.t.Helper()
	r.step(&mqttsn.Disconnect{HasDuration: true, Duration: seconds})
	r.commit()
	require.Equal(r.t, "DISCONNECT", r.said[len(r.said)-1])
	r.said = nil
}

func (r *rig) wakes() { r.step(&mqttsn.Pingreq{ClientID: []byte("n")}) }

// restart loads the session from what is stored.
func (r *rig) restart() {
	rec, err := ParseRecord(r.ext, r.listed(), r.Wall())
	require.NoError(r.t, err)
	require.True(r.t, rec.Asleep)
	r.paused, r.sent, r.gated = true, false, nil
	s := Load(r.now, 1, &rec, "n", r.limits(), &Predefined{})
	r.s = &s
}

// Send implements Peer.
func (r *rig) Send(p mqttsn.Packet) { r.said = append(r.said, say(p)) }

// Gate implements Peer.
func (r *rig) Gate(mark shard.Mark, p mqttsn.Packet) bool {
	if n := len(r.gated); n > 0 {
		mark = max(mark, r.gated[n-1].mark)
	}
	if mark <= r.durable {
		r.Send(p)
		return false
	}
	r.gated = append(r.gated, gated{mark, say(p)})
	return true
}

func (r *rig) Address() []byte     { return []byte("address") }
func (r *rig) Wall() time.Duration { return 1e6 * time.Hour }

// Answers implements Peer; the tests keep what they are sent.
func (r *rig) Answers() *Answers { return &Answers{} }

// Count implements Peer.
func (r *rig) Count(c Counter) { r.counts[c]++ }

// listed are the details as the broker gives them back.
func (r *rig) listed() (list []shard.Detail) {
	for _, n := range slices.Sorted(maps.Keys(r.details)) {
		list = append(list, shard.Detail{Number: n, Value: r.details[n]})
	}
	return list
}

// mark is of something that was written.
func (r *rig) mark() shard.Mark {
	if r.stored {
		return r.round
	}
	return 0
}

func (r *rig) Open(shard.Time, Arrival, *shard.Out) shard.ConnID { return 1 }

func (r *rig) Publish(_ shard.Time, _ shard.ConnID, p Publication, _ *shard.Out) (mqttsn.ReturnCode, shard.Mark) {
	if r.refuse != mqttsn.Accepted {
		return r.refuse, 0
	}
	r.published = append(r.published, fmt.Sprintf("%s %s %d", p.Topic, p.Payload, p.QoS))
	return mqttsn.Accepted, r.mark()
}

func (r *rig) Subscribe(_ shard.Time, _ shard.ConnID, filter string, qos byte, _ bool, _ *shard.Out) (byte, mqttsn.ReturnCode, shard.Mark) {
	if r.refuse != mqttsn.Accepted {
		return 0, r.refuse, 0
	}
	r.filters = append(r.filters, filter)
	return qos, mqttsn.Accepted, r.mark()
}

func (r *rig) Unsubscribe(shard.Time, shard.ConnID, string, *shard.Out) shard.Mark { return r.mark() }

func (r *rig) Next(shard.Time, shard.ConnID, *shard.Out) (Delivery, bool) {
	require.False(r.t, r.paused, "nothing is taken for a node that sleeps")
	switch {
	case r.flight != nil && r.sent || r.flight == nil && len(r.queue) == 0:
		return Delivery{}, false
	case r.flight != nil:
		r.sent = true
		r.flight.Dup = true
		return *r.flight, true
	}
	d := r.queue[0]
	r.queue = r.queue[1:]
	if d.QoS > 0 {
		r.lastID++
		d.MsgID = r.lastID
		r.flight, r.sent = &d, true
	}
	if d.QoS == 2 {
		d.Mark = r.mark()
	}
	return d, true
}

func (r *rig) Renumber(_ shard.ConnID, id uint16) uint16 {
	require.Equal(r.t, id, r.flight.MsgID)
	r.lastID++
	r.flight.MsgID = r.lastID
	return r.lastID
}

func (r *rig) Ack(_ shard.Time, _ shard.ConnID, id uint16, _ *shard.Out) {
	if r.flight != nil && r.flight.MsgID == id {
		r.flight = nil
	}
}

func (r *rig) Received(_ shard.ConnID, id uint16, _ *shard.Out) (bool, shard.Mark) {
	if r.flight == nil || r.flight.MsgID != id || r.flight.QoS != 2 {
		return false, 0
	}
	*r.flight = Delivery{QoS: 2, MsgID: id, Release: true}
	return true, r.mark()
}

func (r *rig) Completed(_ shard.ConnID, id uint16, _ *shard.Out) {
	if r.flight != nil && r.flight.MsgID == id && r.flight.Release {
		r.flight = nil
	}
}

func (r *rig) Pause(shard.ConnID)           { r.paused, r.sent = true, false }
func (r *rig) Resume(shard.ConnID)          { r.paused = false }
func (r *rig) Reattach(string) shard.ConnID { return 1 }
func (r *rig) Extend(_ shard.ConnID, ext []byte, _ *shard.Out) shard.Mark {
	require.True(r.t, r.stored, "nothing is encoded for a session that is not stored")
	r.ext = bytes.Clone(ext)
	r.extended++
	r.written += len(ext)
	return r.mark()
}

func (r *rig) Detail(_ shard.ConnID, number uint32, value []byte, _ *shard.Out) shard.Mark {
	require.True(r.t, r.stored, "nothing is encoded for a session that is not stored")
	if r.details == nil {
		r.details = map[uint32][]byte{}
	}
	r.details[number] = bytes.Clone(value)
	r.written += len(value)
	return r.mark()
}

func (r *rig) Discard(shard.Time, shard.ConnID, *shard.Out) { r.closed = "discarded" }
func (r *rig) Evict(shard.Time, shard.ConnID, *shard.Out)   { r.closed = "evicted" }
func (r *rig) Knows(string) bool                            { return false }
func (r *rig) Kept() int                                    { return 0 }

func (r *rig) Keep(conn shard.ConnID, ext []byte, out *shard.Out) shard.Mark {
	r.stored = true
	return r.Extend(conn, ext, out)
}

func (r *rig) Close(_ shard.Time, _ shard.ConnID, lost bool, _ *shard.Out) {
	r.closed = map[bool]string{true: "lost", false: "goodbye"}[lost]
}

// say is a packet as the tests write it.
func say(p mqttsn.Packet) string {
	switch p := p.(type) {
	case *mqttsn.Publish:
		s := fmt.Sprintf("PUBLISH %d %d %s", p.TopicID, p.MsgID, p.Data)
		if p.Dup {
			s += " dup"
		}
		return s
	case *mqttsn.Register:
		return fmt.Sprintf("REGISTER %d %d %s", p.TopicID, p.MsgID, p.TopicName)
	case *mqttsn.Regack:
		return fmt.Sprintf("REGACK %d %d %d", p.TopicID, p.MsgID, p.Code)
	case *mqttsn.Puback:
		return fmt.Sprintf("PUBACK %d %d", p.MsgID, p.Code)
	case *mqttsn.Suback:
		return fmt.Sprintf("SUBACK %d %d %d", p.TopicID, p.QoS, p.Code)
	case *mqttsn.Pubrec:
		return fmt.Sprintf("PUBREC %d", p.MsgID)
	case *mqttsn.Pubrel:
		return fmt.Sprintf("PUBREL %d", p.MsgID)
	case *mqttsn.Pubcomp:
		return fmt.Sprintf("PUBCOMP %d", p.MsgID)
	default:
		return p.Type().String()
	}
}

// repeated is a line n times.
func repeated(n int, line string) []string { return slices.Repeat([]string{line}, n) }
