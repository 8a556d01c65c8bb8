package session

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// A Record is what is stored of a node with its broker session, as an extension
// of that one's record.
type Record struct {
	// Asleep says that the node is, or was awake in between; else it was
	// connected, or is gone.
	Asleep bool
	Clean  bool
	// KeepAlive and Sleep are as the node announced them, in seconds.
	KeepAlive, Sleep uint16
	// Ends is when a sleeper is lost, unless it was awake since this was stored.
	Ends shard.Time
	// Listener is the URL of the node's link, Address what the Peer calls it
	// there.
	Listener string
	Address  []byte

	topics  topics    // their names are details
	inbound []inbound // details
}

const recordVersion = 2

// Flags of a Record and of a topic id.
const (
	recordAsleep = 1 << iota
	recordClean

	topicTold    = 1
	topicRefused = 2
)

// append encodes the record: times by the wall clock, which is at wall at time
// zero.
func (r *Record) append(b []byte, wall time.Duration) []byte {
	b = append(b, recordVersion, flag(r.Asleep, recordAsleep)|flag(r.Clean, recordClean))
	b = binary.BigEndian.AppendUint16(b, r.KeepAlive)
	b = binary.BigEndian.AppendUint16(b, r.Sleep)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Ends+wall))
	b = appendText(b, r.Listener)
	b = appendText(b, string(r.Address))
	b = binary.BigEndian.AppendUint16(b, r.topics.last)
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.topics.list)))
	for i := range r.topics.list {
		t := &r.topics.list[i]
		b = binary.BigEndian.AppendUint16(b, t.id)
		b = append(b, flag(t.told, topicTold)|flag(t.refused, topicRefused))
	}
	return b
}

func flag(set bool, f byte) byte {
	if set {
		return f
	}
	return 0
}

// appendText appends a text of at most 65,535 octets: names and URLs came by a
// message or by a line of configuration.
func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

var errRecord = errors.New("session: the record of a node is not one of ours")

// ParseRecord decodes a record and what is stored beside it. Times come out by
// the clock that is at wall at time zero.
func ParseRecord(b []byte, details []shard.Detail, wall time.Duration) (Record, error) {
	c := cutter{b: b}
	if c.octet() != recordVersion {
		return Record{}, errRecord
	}
	var r Record
	f := c.flags(recordAsleep | recordClean)
	r.Asleep, r.Clean = f&recordAsleep != 0, f&recordClean != 0
	r.KeepAlive, r.Sleep = c.uint16(), c.uint16()
	r.Ends = c.time(wall)
	r.Listener = string(c.text())
	r.Address = append([]byte(nil), c.text()...)
	r.topics.last = c.uint16()
	c.topics(&r.topics)
	if c.bad || len(c.b) > 0 {
		return Record{}, errRecord
	}
	r.addDetails(details, wall)
	return r, nil
}

// A cutter cuts a record up. Once something is missing it is bad, and gives
// zeros.
type cutter struct {
	b   []byte
	bad bool
}

func (c *cutter) cut(n int) []byte {
	if c.bad || len(c.b) < n {
		c.bad = true
		return nil
	}
	head := c.b[:n]
	c.b = c.b[n:]
	return head
}

func (c *cutter) octet() byte {
	if b := c.cut(1); b != nil {
		return b[0]
	}
	return 0
}

// flags is an octet in which no others than these are set.
func (c *cutter) flags(known byte) byte {
	f := c.octet()
	c.bad = c.bad || f&^known != 0
	return f
}

func (c *cutter) uint16() uint16 {
	if b := c.cut(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (c *cutter) uint64() uint64 {
	if b := c.cut(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (c *cutter) time(wall time.Duration) shard.Time { return time.Duration(c.uint64()) - wall }

func (c *cutter) text() []byte { return c.cut(int(c.uint16())) }

// topics cuts the topic ids: rising, none above the newest.
func (c *cutter) topics(t *topics) {
	n := int(c.uint16())
	if n > maxTopics || t.last > maxTopicID {
		c.bad = true
	}
	before := uint16(0)
	for i := 0; i < n && !c.bad; i++ {
		id := c.uint16()
		f := c.flags(topicTold | topicRefused)
		t.list = append(t.list, registered{
			id: id, told: f&topicTold != 0, refused: f&topicRefused != 0,
		})
		if id <= before || id > t.last {
			c.bad = true
		}
		before = id
	}
}
