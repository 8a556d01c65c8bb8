package session

import (
	"encoding/binary"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
)

// recordVersion is of all records of this package.
const recordVersion = 1

// A Recorder writes and reads records. It keeps buffers; one goroutine uses it.
type Recorder struct {
	// Offset is the wall clock at time zero, for what ends at a time: in the
	// store that is by the wall clock.
	Offset time.Duration

	key   [keySize]byte
	value []byte
}

// Flags of an entry and of a message.
const (
	flagQoS    = 0x03
	flagRetain = 0x04
	flagShared = 0x08 // of an entry: the message has a record of its own
)

func flags(qos byte, retain bool) byte {
	if retain {
		return qos | flagRetain
	}
	return qos
}

// PutEntry stores an entry of the session, and in it the message unless that has
// a record of its own.
func (r *Recorder) PutEntry(b *store.Batch, instance uint64, e *shard.Entry) {
	key := e.ID.AppendTo(AppendKey(r.key[:0], instance, PartEntry))
	f := flags(e.QoS, e.Retain)
	if e.Shared {
		f |= flagShared
	}
	v := append(store.Seal(r.value, recordVersion), f)
	identifiers := e.Identifiers()
	v = binary.AppendUvarint(v, uint64(len(identifiers)))
	for _, id := range identifiers {
		v = binary.AppendUvarint(v, uint64(id))
	}
	if !e.Shared {
		v = r.appendMessage(v, e.Message)
	}
	r.value = v
	b.Put(key, store.Sealed(key, v))
}

// DeleteEntry removes the record of an entry.
func (r *Recorder) DeleteEntry(b *store.Batch, instance uint64, id shard.MessageID) {
	b.Delete(id.AppendTo(AppendKey(r.key[:0], instance, PartEntry)))
}

// ReadEntry reads an entry from its record; rest is what follows the part in its
// key. A message that has a record of its own is found by body.
func (r *Recorder) ReadEntry(key, rest, value []byte, body func(shard.MessageID) *shard.Message) (e shard.Entry, err error) {
	id, ok := shard.ParseMessageID(rest)
	v, err := open(key, value)
	if err != nil || !ok || len(v) == 0 {
		return e, store.ErrDamaged
	}
	f := v[0]
	e = shard.Entry{QoS: f & flagQoS, Retain: f&flagRetain != 0, Stored: true, Shared: f&flagShared != 0}
	v = v[1:]
	count, n := binary.Uvarint(v)
	if n <= 0 || count > uint64(len(v)) {
		return e, store.ErrDamaged
	}
	if count > 0 {
		e.Extra = &shard.Extra{}
	}
	for v = v[n:]; count > 0; count-- {
		identifier, n := binary.Uvarint(v)
		if n <= 0 {
			return e, store.ErrDamaged
		}
		e.Extra.Identifiers = append(e.Extra.Identifiers, uint32(identifier))
		v = v[n:]
	}
	if e.Shared {
		if e.Message = body(id); e.Message == nil {
			return e, ErrNoBody
		}
		return e, nil
	}
	e.Message, err = r.readMessage(v, id)
	return e, err
}

func open(key, value []byte) ([]byte, error) {
	version, content, err := store.Unseal(key, value)
	if err == nil && version != recordVersion {
		err = ErrVersion
	}
	return content, err
}
