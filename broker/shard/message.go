package shard

import (
	"cmp"
	"encoding/binary"
	"sync/atomic"
	"time"
	"unsafe"
)

// A MessageID orders messages and names them in the store (L2): by restart,
// then by time and shard.
type MessageID struct {
	Epoch uint32 // of the restart
	Seq   uint64 // microseconds since then, strictly increasing in a shard, and the shard
}

// MessageIDSize is how many octets AppendTo appends.
const MessageIDSize = 12

// shardBits is how many bits of Seq name the shard.
const shardBits = 8

// NextMessageID is the id of the message after last that a shard takes at now.
func NextMessageID(last MessageID, epoch uint32, shard int, now Time) MessageID {
	at := uint64(max(now, 0) / time.Microsecond)
	if last.Epoch == epoch {
		at = max(at, last.Seq>>shardBits+1)
	}
	return MessageID{epoch, at<<shardBits | uint64(shard)}
}

// Compare orders ids.
func (id MessageID) Compare(other MessageID) int {
	return cmp.Or(cmp.Compare(id.Epoch, other.Epoch), cmp.Compare(id.Seq, other.Seq))
}

// AppendTo appends the id so that octets sort as ids do.
func (id MessageID) AppendTo(b []byte) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(b, id.Epoch), id.Seq)
}

// ParseMessageID reads what AppendTo made.
func ParseMessageID(b []byte) (id MessageID, ok bool) {
	if len(b) != MessageIDSize {
		return id, false
	}
	return MessageID{binary.BigEndian.Uint32(b), binary.BigEndian.Uint64(b[4:])}, true
}

// A Message is a publication on its way. It is shared by all who receive it, on
// all shards, and, but for Sharers, never changed.
type Message struct {
	Topic   string
	Payload []byte
	// Properties are the encoded properties that travel with the message, in
	// their order and unchanged: all but Topic Alias, Message Expiry Interval
	// and Subscription Identifier.
	Properties []byte
	QoS        byte // as published
	Retain     bool // as published
	// Expires is when the message is no longer delivered; zero: never.
	Expires Time
	ID      MessageID
	// Sharers counts the stored queue entries that share the message's record;
	// the last of them removes it.
	Sharers atomic.Int32
}

// Keep makes a message of m that aliases nothing of it, in one allocation unless
// it is large.
func (m *Message) Keep() *Message {
	var (
		kept   *Message
		octets []byte
	)
	switch n := m.Size(); {
	case n <= 64:
		k := new(struct {
			Message
			octets [64]byte
		})
		kept, octets = &k.Message, k.octets[:0]
	case n <= 128:
		k := new(struct {
			Message
			octets [128]byte
		})
		kept, octets = &k.Message, k.octets[:0]
	case n <= 256:
		k := new(struct {
			Message
			octets [256]byte
		})
		kept, octets = &k.Message, k.octets[:0]
	case n <= 1024:
		k := new(struct {
			Message
			octets [1024]byte
		})
		kept, octets = &k.Message, k.octets[:0]
	default:
		kept, octets = new(Message), make([]byte, 0, n)
	}
	kept.QoS, kept.Retain, kept.Expires, kept.ID = m.QoS, m.Retain, m.Expires, m.ID
	octets = append(octets, m.Topic...)
	kept.Topic = unsafe.String(unsafe.SliceData(octets), len(octets)) // never changed from here on
	if len(m.Properties) > 0 {
		from := len(octets)
		octets = append(octets, m.Properties...)
		kept.Properties = octets[from:len(octets):len(octets)]
	}
	from := len(octets)
	octets = append(octets, m.Payload...)
	kept.Payload = octets[from:len(octets):len(octets)]
	return kept
}

// Size is what the message costs against a queue's bound, in octets.
func (m *Message) Size() int { return len(m.Topic) + len(m.Payload) + len(m.Properties) }

// Expired says that the message is not to be delivered any more.
func (m *Message) Expired(now Time) bool { return m.Expires != 0 && now >= m.Expires }

// Left is what is left of the Message Expiry Interval, in whole seconds
// [MQTT-3.3.2-6].
func (m *Message) Left(now Time) uint32 {
	return uint32(max(0, (m.Expires-now+time.Second-1)/time.Second))
}

// An Entry is a message in one session's queue, as that session gets it.
type Entry struct {
	*Message
	Extra  *Extra // nil: what few entries have
	QoS    byte   // the lower of published and granted [MQTT-3.8.4-6]
	Retain bool   // the flag to deliver with
	Stored bool   // the entry has a record,
	Shared bool   // and the message one of its own, which others share
}

// Extra is what few entries have.
type Extra struct {
	// Identifiers are those of the subscriptions that matched [MQTT-3.3.4-3].
	Identifiers []uint32
	// Group is the shared subscription that the message came by: it has the
	// record and the room, and takes back what the session leaves (L7).
	Group Addressee
}

// Identifiers are those of the subscriptions that matched.
func (e *Entry) Identifiers() []uint32 {
	if e.Extra == nil {
		return nil
	}
	return e.Extra.Identifiers
}

// Group is the shared subscription that the message came by; nil: none.
func (e *Entry) Group() Addressee {
	if e.Extra == nil {
		return nil
	}
	return e.Extra.Group
}
