package core

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/session"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
)

// Keys begin with what they are for; those of a session with session.KeySession,
// shared messages with session.KeyBody.
const (
	keyEpoch    = '!' // the newest restart; sorts first
	keyRetained = 'r' // and the topic: a retained message
)

// recordVersion is of all records of this package.
const recordVersion = 1

var errVersion = errors.New("core: record of an unknown version")

// wrote notes that the session wrote to the store in this round.
func (c *Core) wrote(cl *client, out *shard.Out) { cl.Written = max(cl.Written, out.Mark()) }

// changed stores the session's record anew, if the session is kept.
func (c *Core) changed(cl *client, out *shard.Out) {
	if cl.Stored {
		c.putSession(cl, out)
	}
}

// persist makes a session durable: its record, and all that it has already.
func (c *Core) persist(cl *client, out *shard.Out) {
	c.putSession(cl, out)
	if cl.Stored {
		return
	}
	cl.Stored = true
	cl.target.set(isDurable)
	for _, filter := range cl.filters.sorted() {
		s, _ := cl.filters.get(filter)
		c.putSubscription(cl, filter, s, out)
	}
	for _, shared := range slices.Sorted(maps.Keys(cl.groups)) {
		t := cl.groups[shared]
		t.set(isDurable)
		c.putGroup(t, out)
		c.post(c.now, shard.Post{Kind: shard.PostReady, To: t}, out)
	}
	for _, id := range cl.Inbound() {
		c.recorder.PutInbound(&out.Batch, cl.Instance, id)
	}
	cl.Rewrite(func(e *shard.Entry) {
		if e.QoS > 0 && e.Message != nil && e.Group() == nil {
			e.Stored = true
			c.recorder.PutEntry(&out.Batch, cl.Instance, e)
		}
	})
	cl.Flights(func(e shard.Entry, message shard.MessageID, id uint16, released bool) {
		switch {
		case released:
			c.recorder.PutReleased(&out.Batch, cl.Instance, id, message)
		case e.QoS == 2:
			c.recorder.PutFlight(&out.Batch, cl.Instance, id, message, cl.holder(&e))
		}
	})
}

// A sessionRecord is what is stored of a session itself.
type sessionRecord struct {
	clientID  string
	expiry    time.Duration
	attached  bool          // it had a connection
	local     bool          // in process
	endsAt    time.Duration // else: when it ends, by the wall clock
	stamp     time.Duration // when this was written, by the wall clock
	keepAlive time.Duration
	extension []byte
	will      *will
	willAt    time.Duration // by the wall clock, while not attached

	group  string // not empty: this is a shared subscription,
	filter string // and nothing else counts
}

// Flags of a session's record.
const (
	recordAttached = 1 << iota
	recordWill
	recordGroup
	recordLocal
)

func (c *Core) putSession(cl *client, out *shard.Out) {
	r := sessionRecord{
		clientID: cl.ClientID, expiry: cl.Expiry(), attached: cl.conn != nil, endsAt: cl.endsAt + c.recorder.Offset,
		stamp: c.now + c.recorder.Offset, extension: cl.extension, will: cl.will,
	}
	if cl.conn != nil {
		r.keepAlive, r.local = cl.conn.patience(), cl.conn.info == nil
	}
	if r.will != nil {
		r.willAt = r.will.at + c.recorder.Offset
	}
	var buffer [32]byte
	key := session.AppendKey(buffer[:0], cl.Instance, session.PartRecord)
	c.record = r.append(store.Seal(c.record, recordVersion), &c.recorder)
	out.Batch.Put(key, store.Sealed(key, c.record))
	c.wrote(cl, out)
}

func (r *sessionRecord) append(b []byte, recorder *session.Recorder) []byte {
	var f byte
	if r.attached {
		f |= recordAttached
	}
	if r.local {
		f |= recordLocal
	}
	if r.will != nil {
		f |= recordWill
	}
	b = append(b, f)
	for _, d := range []time.Duration{r.expiry, r.endsAt, r.stamp, r.keepAlive} {
		b = binary.BigEndian.AppendUint64(b, uint64(d))
	}
	b = session.AppendText(b, r.clientID)
	b = session.AppendText(b, r.extension)
	if w := r.will; w != nil {
		for _, d := range []time.Duration{r.willAt, w.delay} {
			b = binary.BigEndian.AppendUint64(b, uint64(d))
		}
		b = binary.BigEndian.AppendUint32(b, w.expiry)
		b = recorder.AppendMessage(b, w.message)
	}
	return b
}

// readSession reads what putSession made.
func readSession(key, value []byte, recorder *session.Recorder) (r sessionRecord, err error) {
	b, err := unseal(key, value)
	if err != nil || len(b) < 1 || b[0]&recordGroup == 0 && len(b) < 1+4*8 {
		return r, errors.Join(err, store.ErrDamaged)
	}
	f := b[0]
	if f&recordGroup != 0 {
		return readGroup(b[1:])
	}
	r.attached, r.local = f&recordAttached != 0, f&recordLocal != 0
	for i, d := range []*time.Duration{&r.expiry, &r.endsAt, &r.stamp, &r.keepAlive} {
		*d = time.Duration(binary.BigEndian.Uint64(b[1+8*i:]))
	}
	clientID, b, ok := session.CutText(b[1+4*8:])
	extension, b, also := session.CutText(b)
	if !ok || !also {
		return r, store.ErrDamaged
	}
	r.clientID, r.extension = string(clientID), append([]byte(nil), extension...)
	if f&recordWill == 0 {
		return r, nil
	}
	if len(b) < 20 {
		return r, store.ErrDamaged
	}
	r.willAt = time.Duration(binary.BigEndian.Uint64(b))
	r.will = &will{delay: time.Duration(binary.BigEndian.Uint64(b[8:])), expiry: binary.BigEndian.Uint32(b[16:])}
	r.will.message, err = recorder.ReadMessage(b[20:], shard.MessageID{})
	return r, err
}

// putGroup stores a shared subscription, so that what is queued for it belongs
// to something.
func (c *Core) putGroup(t *Target, out *shard.Out) {
	c.key = session.AppendKey(c.key[:0], t.instance(), session.PartRecord)
	b := append(store.Seal(c.record, recordVersion), recordGroup)
	c.record = session.AppendText(session.AppendText(b, t.group.name), t.group.filter)
	out.Batch.Put(c.key, store.Sealed(c.key, c.record))
}

func readGroup(b []byte) (r sessionRecord, err error) {
	name, b, ok := session.CutText(b)
	filter, _, also := session.CutText(b)
	if !ok || !also || len(name) == 0 {
		return r, store.ErrDamaged
	}
	r.group, r.filter = string(name), string(filter)
	return r, nil
}

func unseal(key, value []byte) ([]byte, error) {
	version, content, err := store.Unseal(key, value)
	if err == nil && version != recordVersion {
		err = errVersion
	}
	return content, err
}

// Flags of a subscription.
const (
	subscriptionQoS     = 0x03
	subscriptionNoLocal = 0x04
	subscriptionRetain  = 0x08
)

// putSubscription stores one subscription of the session.
func (c *Core) putSubscription(cl *client, filter string, s Subscription, out *shard.Out) {
	c.key = append(session.AppendKey(c.key[:0], cl.Instance, session.PartSubscription), filter...)
	f := s.QoS
	if s.NoLocal {
		f |= subscriptionNoLocal
	}
	if s.RetainAsPublished {
		f |= subscriptionRetain
	}
	c.record = binary.BigEndian.AppendUint32(append(store.Seal(c.record, recordVersion), f), s.Identifier)
	out.Batch.Put(c.key, store.Sealed(c.key, c.record))
	c.wrote(cl, out)
}

func (c *Core) deleteSubscription(cl *client, filter string, out *shard.Out) {
	c.key = append(session.AppendKey(c.key[:0], cl.Instance, session.PartSubscription), filter...)
	out.Batch.Delete(c.key)
	c.wrote(cl, out)
}

func readSubscription(key, value []byte) (s Subscription, err error) {
	b, err := unseal(key, value)
	if err != nil || len(b) != 5 {
		return s, errors.Join(err, store.ErrDamaged)
	}
	return Subscription{
		QoS:               b[0] & subscriptionQoS,
		NoLocal:           b[0]&subscriptionNoLocal != 0,
		RetainAsPublished: b[0]&subscriptionRetain != 0,
		Identifier:        binary.BigEndian.Uint32(b[1:]),
	}, nil
}

// putRetained leaves the record of a retained message in c.batch.
func (c *Core) putRetained(m *shard.Message) {
	c.key = append(append(c.key[:0], keyRetained), m.Topic...)
	c.record = m.ID.AppendTo(store.Seal(c.record, recordVersion))
	c.record = c.recorder.AppendMessage(c.record, m)
	c.batch.Put(c.key, store.Sealed(c.key, c.record))
}

func (c *Core) deleteRetained(name string) {
	c.key = append(append(c.key[:0], keyRetained), name...)
	c.batch.Delete(c.key)
}

func readRetained(key, value []byte, recorder *session.Recorder) (*shard.Message, error) {
	b, err := unseal(key, value)
	if err != nil || len(b) < shard.MessageIDSize {
		return nil, errors.Join(err, store.ErrDamaged)
	}
	id, _ := shard.ParseMessageID(b[:shard.MessageIDSize])
	return recorder.ReadMessage(b[shard.MessageIDSize:], id)
}
