package session

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
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
		r.topics.add(rapid.String().Draw(t, "topic"), floor)
	}
	for i := range r.topics.list {
		r.topics.list[i].told, r.topics.list[i].refused = rapid.Bool().Draw(t, "told"), rapid.Bool().Draw(t, "refused")
	}
	for range rapid.IntRange(0, 3).Draw(t, "inbound") {
		r.inbound = append(r.inbound, inbound{
			id: rapid.Uint16().Draw(t, "id"), open: rapid.Bool().Draw(t, "open"),
			hash: rapid.Uint64().Draw(t, "hash"), until: time.Duration(rapid.Int64().Draw(t, "until")),
		})
	}
	return r
}

func TestRecordComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRecord(t)
		wall := time.Duration(rapid.Int64().Draw(t, "wall"))
		b := r.append(nil, wall)
		got, err := ParseRecord(b, wall)
		require.NoError(t, err)
		require.Equal(t, r, got)
		cut := rapid.IntRange(0, len(b)-1).Draw(t, "cut")
		_, err = ParseRecord(b[:cut], wall)
		require.ErrorIs(t, err, errRecord, "a part of one")
	})
}

func FuzzExtension(f *testing.F) {
	r := Record{Asleep: true, Sleep: 60, Ends: time.Hour, Listener: "mqttsn://", Address: []byte{1, 2}}
	r.topics.add("a/b", 9)
	r.topics.add("c", 9)
	r.topics.tell("c")
	r.inbound = []inbound{{id: 1, open: true, hash: 2, until: 3}}
	f.Add(r.append(nil, 0))
	f.Add((&Record{Address: []byte{}}).append(nil, 0))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := ParseRecord(in, time.Hour)
		if err != nil {
			return
		}
		require.Equal(t, in, r.append(nil, time.Hour))
		w := &rig{t: t, stored: true, round: 1, ext: in, paused: true}
		w.s = Load(0, 1, &r, "n", w.limits(), Predefined{})
		w.step(message(2, 1, "x"), pubrel(1))
		w.wakes()
		w.commit()
		w.run(100 * time.Hour)
		require.Equal(t, Gone, w.s.State())
		w.reconnect(false)
	})
}
