package session

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// drawRecord makes any record that a session can have.
func drawRecord(t *rapid.T) Record {
	r := Record{
		Asleep: rapid.Bool().Draw(t, "asleep"), Clean: rapid.Bool().Draw(t, "clean"),
		KeepAlive: rapid.Uint16().Draw(t, "keep alive"), Sleep: rapid.Uint16().Draw(t, "sleep"),
		Ends:     time.Duration(rapid.Int64().Draw(t, "ends")),
		Listener: rapid.StringN(0, 50, 200).Draw(t, "listener"),
		Address:  rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "address"),
	}
	for range rapid.IntRange(0, 5).Draw(t, "topics") {
		floor := rapid.Uint16Range(0, 20_000).Draw(t, "floor")
		r.topics.add(rapid.StringN(1, 20, 60).Draw(t, "topic"), floor)
	}
	r.topics.stored = len(r.topics.list)
	for i := range r.topics.list {
		r.topics.list[i].told, r.topics.list[i].refused = rapid.Bool().Draw(t, "told"), rapid.Bool().Draw(t, "refused")
	}
	for range rapid.IntRange(0, 3).Draw(t, "inbound") {
		m := inbound{
			id: rapid.Uint16().Draw(t, "id"), qos: rapid.ByteRange(1, 2).Draw(t, "QoS"),
			hash: rapid.Uint64().Draw(t, "hash"), until: time.Duration(rapid.Int64().Draw(t, "until")),
		}
		m.open = m.qos == 2 && rapid.Bool().Draw(t, "open")
		r.inbound = append(r.inbound, m)
	}
	return r
}

// details are what is stored beside the record.
func (r *Record) details(wall time.Duration) (list []shard.Detail) {
	for _, t := range r.topics.list {
		list = append(list, shard.Detail{Number: detailTopic | uint32(t.id), Value: []byte(t.name)})
	}
	for at, m := range r.inbound {
		list = append(list, shard.Detail{Number: detailInbound | uint32(at), Value: m.append(nil, wall)})
	}
	return list
}

func TestRecordComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRecord(t)
		wall := time.Duration(rapid.Int64().Draw(t, "wall"))
		b := r.append(nil, wall)
		got, err := ParseRecord(b, r.details(wall), wall)
		require.NoError(t, err)
		require.Equal(t, r, got)
		cut := rapid.IntRange(0, len(b)-1).Draw(t, "cut")
		_, err = ParseRecord(b[:cut], nil, wall)
		require.ErrorIs(t, err, errRecord, "a part of one")
	})
}

func FuzzExtension(f *testing.F) {
	r := Record{Asleep: true, Sleep: 60, Ends: time.Hour, Listener: "mqttsn://", Address: []byte{1, 2}}
	r.topics.add("a/b", 9)
	r.topics.add("c", 9)
	r.topics.tell("c")
	m := inbound{id: 1, qos: 2, open: true, hash: 2, until: 3}
	f.Add(r.append(nil, 0), "a/b", m.append(nil, 0))
	f.Add((&Record{Address: []byte{}}).append(nil, 0), "", []byte{0})
	f.Fuzz(func(t *testing.T, in []byte, name string, place []byte) {
		details := map[uint32][]byte{detailTopic | 10: []byte(name), detailTopic | 11: []byte("c"), detailInbound | 3: place}
		w := &rig{t: t, stored: true, round: 1, ext: in, details: details, paused: true}
		r, err := ParseRecord(in, w.listed(), time.Hour)
		if err != nil {
			return
		}
		s := Load(0, 1, &r, "n", w.limits(), &Predefined{})
		w.s = &s
		w.step(message(2, 1, "x"), pubrel(1))
		w.wakes()
		w.commit()
		w.run(100 * time.Hour)
		require.Equal(t, Gone, w.s.State())
		w.reconnect(false)
	})
}
