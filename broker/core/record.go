package core

import (
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/session"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// Keys begin with what they are for. An instance's keys are one range, so that
// a session's end is one operation.
const (
	keySession  = 's' // s, instance, 0: the session's record
	keyRetained = 'r' // r, topic: a retained message
)

const recordVersion = 1

func sessionKey(b []byte, instance uint64) []byte {
	return append(binary.BigEndian.AppendUint64(append(b, keySession), instance), 0)
}

func entryKey(b []byte, instance, message uint64) []byte {
	b = binary.BigEndian.AppendUint64(append(b, keySession), instance)
	return binary.BigEndian.AppendUint64(append(b, 1), message)
}

// written notes that a session's record changed, if the session is kept.
func (c *Core) written(cl *client, out *shard.Out) {
	if cl.Stored {
		c.writeSession(cl, out)
	}
}

// writeSession stores the session's record: version, expiry, client id,
// extension, and each filter with its subscription.
func (c *Core) writeSession(cl *client, out *shard.Out) {
	cl.Stored = true
	b := append(c.props[:0], recordVersion)
	b = binary.BigEndian.AppendUint32(b, uint32(cl.Expiry/time.Second))
	b = appendString(b, cl.ClientID)
	b = binary.BigEndian.AppendUint32(b, uint32(len(cl.Extension)))
	b = append(b, cl.Extension...)
	for _, filter := range slices.Sorted(maps.Keys(cl.filters)) {
		s := cl.filters[filter]
		b = appendString(b, filter)
		flags := s.QoS
		if s.NoLocal {
			flags |= 1 << 2
		}
		if s.RetainAsPublished {
			flags |= 1 << 3
		}
		b = append(b, flags)
		b = binary.BigEndian.AppendUint32(b, s.Identifier)
	}
	c.props = b
	c.put(cl, sessionKey(nil, cl.Instance), b, out)
}

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

func (c *Core) put(cl *client, key, value []byte, out *shard.Out) {
	out.Batch.Put(key, value)
	cl.Written = max(cl.Written, out.Mark())
}

// writeEntry stores a queued message.
func (c *Core) writeEntry(cl *client, e session.Entry, out *shard.Out) {
	c.scratch = c.appendMessage(c.scratch[:0], e.Message, e.QoS, e.Retain)
	var key [18]byte
	out.Batch.Put(entryKey(key[:0], cl.Instance, e.ID), c.scratch)
}

// deleteEntry removes a message that was acknowledged. Nothing waits for that.
func (c *Core) deleteEntry(cl *client, e session.Entry, out *shard.Out) {
	var key [18]byte
	out.Batch.Delete(entryKey(key[:0], cl.Instance, e.ID))
}

// writeEnd removes all that is stored of a session.
func (c *Core) writeEnd(cl *client, out *shard.Out) {
	if !cl.Stored {
		return
	}
	cl.Stored = false
	from := binary.BigEndian.AppendUint64([]byte{keySession}, cl.Instance)
	to := binary.BigEndian.AppendUint64([]byte{keySession}, cl.Instance+1)
	out.Batch.DeleteRange(from, to)
}

func (c *Core) writeRetained(m *session.Message, out *shard.Out) {
	c.scratch = c.appendMessage(c.scratch[:0], m, m.QoS, true)
	out.Batch.Put(append([]byte{keyRetained}, m.Topic...), c.scratch)
}

func (c *Core) deleteRetained(name string, out *shard.Out) {
	out.Batch.Delete(append([]byte{keyRetained}, name...))
}

// appendMessage encodes a message for the store: version, end of life in
// nanoseconds, then a PUBLISH of MQTT 5.0.
func (c *Core) appendMessage(b []byte, m *session.Message, qos byte, retain bool) []byte {
	b = append(b, recordVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(m.Expires))
	p := mqtt.Publish{QoS: mqtt.QoS(qos), Retain: retain, Payload: m.Payload, Properties: mqtt.NewProperties(m.Properties)}
	if qos > 0 {
		p.PacketID = 1 // the delivery finds its own
	}
	return c.appendPublish(b, m.Topic, &p, mqtt.V5)
}
