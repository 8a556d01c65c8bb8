package session

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
)

var (
	// ErrVersion says that a record is of a version that is not known.
	ErrVersion = errors.New("session: record of an unknown version")
	// ErrNoBody says that the message of an entry is gone: the entry was
	// acknowledged by all who had it (L13).
	ErrNoBody = errors.New("session: entry without its message")
)

// PutBody stores a message that several entries share.
func (r *Recorder) PutBody(b *store.Batch, m *shard.Message) {
	key := m.ID.AppendTo(append(r.key[:0], KeyBody))
	r.value = r.appendMessage(store.Seal(r.value, recordVersion), m)
	b.Put(key, store.Sealed(key, r.value))
}

// DeleteBody removes the record of a message.
func (r *Recorder) DeleteBody(b *store.Batch, id shard.MessageID) {
	b.Delete(id.AppendTo(append(r.key[:0], KeyBody)))
}

// ReadBody reads a message from its own record.
func (r *Recorder) ReadBody(key, value []byte) (*shard.Message, error) {
	id, ok := shard.ParseMessageID(key[1:])
	v, err := open(key, value)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, store.ErrDamaged
	}
	return r.readMessage(v, id)
}

// AppendMessage appends a message for a record of somebody else's.
func (r *Recorder) AppendMessage(b []byte, m *shard.Message) []byte { return r.appendMessage(b, m) }

// ReadMessage reads what AppendMessage made.
func (r *Recorder) ReadMessage(b []byte, id shard.MessageID) (*shard.Message, error) {
	return r.readMessage(b, id)
}

// appendMessage appends flags, the end by wall time in nanoseconds (0: none),
// topic, properties and payload.
func (r *Recorder) appendMessage(b []byte, m *shard.Message) []byte {
	b = append(b, flags(m.QoS, m.Retain))
	var ends time.Duration
	if m.Expires != 0 {
		ends = max(1, m.Expires+r.Offset)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(ends))
	b = AppendText(b, m.Topic)
	b = AppendText(b, m.Properties)
	return append(b, m.Payload...)
}

func (r *Recorder) readMessage(b []byte, id shard.MessageID) (*shard.Message, error) {
	if len(b) < 9 {
		return nil, store.ErrDamaged
	}
	m := &shard.Message{ID: id, QoS: b[0] & flagQoS, Retain: b[0]&flagRetain != 0}
	if ends := time.Duration(binary.BigEndian.Uint64(b[1:])); ends != 0 {
		m.Expires = ends - r.Offset
		if m.Expires == 0 {
			m.Expires = 1
		}
	}
	topic, b, ok := CutText(b[9:])
	properties, b, also := CutText(b)
	if !ok || !also {
		return nil, store.ErrDamaged
	}
	m.Topic = string(topic)
	if len(properties) > 0 {
		m.Properties = append([]byte(nil), properties...)
	}
	m.Payload = append([]byte(nil), b...)
	return m, nil
}

// AppendText appends a length and so many octets.
func AppendText[T ~string | ~[]byte](b []byte, text T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// CutText takes what AppendText made from the front of b.
func CutText(b []byte) (text, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil, false
	}
	end := size + int(n)
	return b[size:end:end], b[end:], true
}
