package core

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/session"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
	"github.com/dormouse-mqtt/dormouse/broker/topic"
)

// A Loader rebuilds the shards from what is stored, before their first event.
// Visit is given every entry in the order of keys, then Finish is called.
type Loader struct {
	// Damaged counts values that could not be read. They are left where they are.
	Damaged int
	// Garbage counts what belonged to nothing any more, and is removed.
	Garbage int

	again   *client // instead of the whole store: this session is read again
	cores   []*Core
	wall    time.Duration // now
	floor   time.Duration // no time before this one was stored
	epoch   uint32        // of the restart before
	bodies  map[shard.MessageID]*shard.Message
	current *loading
	groups  map[uint64]*Target // shared subscriptions by instance
	joins   []loadedJoin
	bound   []loadedFlight // of which a shared subscription has the entry
	renewed []loadedEntry  // that get packet ids when all that keep theirs are there
	damaged uint64         // instance whose own record is
	garbage [][]byte       // keys
}

// A loadedEntry is a message of QoS 1 that may have been in flight.
type loadedEntry struct {
	client *client
	entry  shard.Entry
}

// A loadedJoin is a membership that waits until all groups are loaded.
type loadedJoin struct {
	client  *client
	shared  string
	options Subscription
}

// NewLoader makes a loader for all shards of a process, whose wall clock is at
// wall since the Unix epoch at shard time zero.
func NewLoader(cores []*Core, wall time.Duration) *Loader {
	return &Loader{cores: cores, wall: wall, bodies: map[shard.MessageID]*shard.Message{}, groups: map[uint64]*Target{}}
}

// Owner is shard.Owner.
func Owner(clientID string, shards int) int { return shard.Owner(clientID, shards) }

// Visit takes one entry of the store. Keys that begin otherwise than the
// broker's are left alone.
func (l *Loader) Visit(key, value []byte) error {
	if len(key) == 0 {
		return nil
	}
	var err error
	switch key[0] {
	case keyEpoch:
		err = l.readEpoch(key, value)
	case session.KeyBody:
		var m *shard.Message
		if m, err = l.recorder().ReadBody(key, value); err == nil {
			l.bodies[m.ID] = m
			l.seen(m.ID.Epoch)
		}
	case keyRetained:
		err = l.retained(key, value)
	case session.KeySession:
		err = l.session(key, value)
	}
	switch {
	case errors.Is(err, errGarbage), errors.Is(err, session.ErrNoBody): // L13
		l.garbage = append(l.garbage, slices.Clone(key))
	case errors.Is(err, errOfDamaged):
	case errors.Is(err, store.ErrDamaged):
		l.Damaged++
	default:
		return err
	}
	return nil
}

var (
	errGarbage   = errors.New("core: belongs to nothing")
	errOfDamaged = errors.New("core: belongs to what is damaged")
)

// seen raises the epoch to one that something stored is of, should its own record
// be damaged.
func (l *Loader) seen(epoch uint32) { l.epoch = max(l.epoch, epoch) }

func (l *Loader) recorder() *session.Recorder { return &l.cores[0].recorder }

// readEpoch reads the restart before. Its key is the first, so that times are
// right for what follows: a clock that went back means that no time has passed
// (L14).
func (l *Loader) readEpoch(key, value []byte) error {
	b, err := unseal(key, value)
	if err != nil || len(b) != 12 {
		return errors.Join(err, store.ErrDamaged)
	}
	l.seen(binary.BigEndian.Uint32(b))
	l.floor = time.Duration(binary.BigEndian.Uint64(b[4:]))
	l.wall = max(l.wall, l.floor)
	l.setWall()
	return nil
}

func (l *Loader) setWall() {
	for _, c := range l.cores {
		c.floor = l.floor
		c.setWall(l.wall)
	}
}

func (l *Loader) retained(key, value []byte) error {
	m, err := readRetained(key, value, l.recorder())
	if err != nil {
		return err
	}
	if m.Expired(0) {
		return errGarbage
	}
	l.cores[0].directory.Restore(m)
	return nil
}

// Finish begins a new epoch: it leaves in out, of shard 0, its record and the
// removal of garbage, and tells every shard to go on with its sessions in its
// first Advance. Listeners open when that is durable (L13).
func (l *Loader) Finish(out *shard.Out) {
	if l.epoch == 0 {
		l.setWall()
	}
	l.endSession()
	for _, c := range l.cores {
		c.options.Epoch = l.epoch + 1
	}
	l.finishGroups(out)
	l.renew()
	l.sweep(out)
	key := []byte{keyEpoch}
	v := binary.BigEndian.AppendUint32(store.Seal(nil, recordVersion), l.epoch+1)
	v = binary.BigEndian.AppendUint64(v, uint64(l.wall))
	out.Batch.Put(key, store.Sealed(key, v))
}

// sweep removes what belongs to nothing. Once something was damaged nobody knows
// what that is, and everything stays.
func (l *Loader) sweep(out *shard.Out) {
	if l.Damaged > 0 {
		return
	}
	for _, m := range sortedBodies(l.bodies) {
		if m.Sharers.Load() == 0 {
			l.Garbage++
			l.recorder().DeleteBody(&out.Batch, m.ID)
		}
	}
	for _, key := range l.garbage {
		l.Garbage++
		out.Batch.Delete(key)
	}
}

// renew gives messages that may have been in flight packet ids (L5).
func (l *Loader) renew() {
	for _, r := range l.renewed {
		r.client.Renew(r.entry)
	}
	l.renewed = nil
}

func sortedBodies(bodies map[shard.MessageID]*shard.Message) []*shard.Message {
	all := make([]*shard.Message, 0, len(bodies))
	for _, m := range bodies {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *shard.Message) int { return a.ID.Compare(b.ID) })
	return all
}

// A loading is the session that is being read.
type loading struct {
	instance uint64
	core     *Core
	client   *client
	group    *Target       // instead of client
	entries  []shard.Entry // in the order of ids
	flights  []loadedFlight
}

type loadedFlight struct {
	session.Flight
	client *client
}

// session reads one record of a session. The session's own comes first; without
// it the others belong to nothing.
func (l *Loader) session(key, value []byte) error {
	instance, part, rest, ok := session.ParseKey(key)
	if !ok {
		return store.ErrDamaged
	}
	l.seen(uint32(instance >> epochShift))
	if l.current == nil || l.current.instance != instance {
		l.endSession()
		if part != session.PartRecord {
			if l.damaged == instance {
				return errOfDamaged
			}
			return errGarbage
		}
		err := l.beginSession(instance, key, value)
		if err != nil {
			l.damaged = instance
		}
		return err
	}
	s := l.current
	switch part {
	case session.PartEntry:
		e, err := l.recorder().ReadEntry(key, rest, value, func(id shard.MessageID) *shard.Message { return l.bodies[id] })
		if err != nil {
			return err
		}
		if e.Shared && l.again == nil {
			e.Sharers.Add(1)
		}
		s.entries = append(s.entries, e)
		return nil
	}
	if s.group != nil {
		return errGarbage
	}
	switch part {
	case session.PartSubscription:
		sub, err := readSubscription(key, value)
		if err != nil {
			return err
		}
		s.client.subscribed(string(rest), sub)
		if l.again != nil { // the index has it
			return nil
		}
		if _, _, shared, _ := topic.ParseShared(string(rest)); shared {
			l.joins = append(l.joins, loadedJoin{s.client, string(rest), sub})
			return nil
		}
		s.core.directory.Subscribe(string(rest), &s.client.target, sub)
	case session.PartFlight:
		f, err := session.ReadFlight(key, rest, value)
		if err != nil {
			return err
		}
		if f.Holder != instance {
			l.bound = append(l.bound, loadedFlight{f, s.client})
			return nil
		}
		s.flights = append(s.flights, loadedFlight{f, s.client})
	case session.PartInbound:
		packetID, err := session.ReadInbound(key, rest, value)
		if err != nil {
			return err
		}
		s.client.Begin(packetID)
	case session.PartDetail:
		number, detail, err := session.ReadDetail(key, rest, value)
		if err != nil {
			return err
		}
		s.client.setDetail(number, detail)
	}
	return nil
}

func (l *Loader) beginSession(instance uint64, key, value []byte) error {
	r, err := readSession(key, value, l.recorder())
	if err != nil {
		return err
	}
	if r.group != "" {
		t := groupTarget(r.group, r.filter, instance, len(l.cores))
		t.set(isDurable)
		t.group.stored = true
		l.groups[instance] = t
		l.current = &loading{instance: instance, group: t}
		return nil
	}
	c := l.cores[Owner(r.clientID, len(l.cores))]
	cl := l.again
	if cl == nil {
		if c.clients.Get(r.clientID) != nil {
			return store.ErrDamaged // there is one session of a client id
		}
		cl = c.adopt(r.clientID, instance, nil)
	}
	cl.SetExpiry(r.expiry)
	cl.setExtension(r.extension)
	cl.dropDetails()
	cl.setWill(r.will)
	cl.Stored = true
	cl.target.set(isDurable)
	cl.StartIDs(uint16(l.epoch+1) * 40503) // L5: far from where it was
	c.restore(cl, &r, l.wall)
	l.current = &loading{instance: instance, core: c, client: cl}
	return nil
}

// endSession puts the messages of the session that was read where they were.
func (l *Loader) endSession() {
	s := l.current
	if s == nil {
		return
	}
	l.current = nil
	if s.group != nil {
		for _, e := range s.entries {
			s.group.Force(e.Size())
			l.groupOf(s.group).queue.Push(e, false)
		}
		return
	}
	slices.SortFunc(s.flights, func(a, b loadedFlight) int {
		return cmp.Or(a.Message.Compare(b.Message), cmp.Compare(a.PacketID, b.PacketID))
	})
	var newest shard.MessageID // that was sent
	for _, f := range s.flights {
		newest = f.Message
	}
	flights := s.flights
	for _, e := range s.entries {
		if l.again == nil {
			s.client.target.Force(e.Size())
		}
		for len(flights) > 0 && (flights[0].Message.Compare(e.ID) < 0 || flights[0].Released && flights[0].Message == e.ID) {
			flights = s.client.restoreReleased(flights)
		}
		switch {
		case len(flights) > 0 && flights[0].Message == e.ID:
			s.client.Restore(e, e.ID, flights[0].PacketID, false)
			flights = flights[1:]
		case e.QoS == 1 && e.ID.Compare(newest) < 0: // it was sent, perhaps
			l.renewed = append(l.renewed, loadedEntry{s.client, e})
		default:
			s.client.Push(e, false)
		}
	}
	for len(flights) > 0 {
		flights = s.client.restoreReleased(flights)
	}
}

// restoreReleased puts the first of the flights back, if PUBREC came for it.
func (cl *client) restoreReleased(flights []loadedFlight) []loadedFlight {
	if f := flights[0]; f.Released {
		cl.Restore(shard.Entry{QoS: 2}, f.Message, f.PacketID, true)
	}
	return flights[1:]
}
