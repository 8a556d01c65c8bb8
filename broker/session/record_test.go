package session

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
)

func only(t require.TestingT, b *store.Batch) (op store.Op) {
	n := 0
	b.Each(func(o store.Op) { op = o; n++ })
	require.Equal(t, 1, n)
	return store.Op{Kind: op.Kind, Key: bytes.Clone(op.Key), Value: bytes.Clone(op.Value)}
}

// TestEntryRecords: what is written is read back, with the end by the wall clock
// of another process.
func TestEntryRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.Byte(), 0, 20)
		m := &shard.Message{
			ID:      shard.MessageID{Epoch: rapid.Uint32().Draw(t, "epoch"), Seq: rapid.Uint64().Draw(t, "seq")},
			Topic:   string(text.Draw(t, "topic")),
			Payload: text.Draw(t, "payload"), QoS: byte(rapid.IntRange(0, 2).Draw(t, "qos")), Retain: rapid.Bool().Draw(t, "retain"),
			Expires: shard.Time(rapid.Int64Range(-1000, 1000).Draw(t, "expires")),
		}
		if p := text.Draw(t, "properties"); len(p) > 0 {
			m.Properties = p
		}
		shared := rapid.Bool().Draw(t, "shared")
		e := shard.Entry{Message: m, QoS: 1, Shared: shared, Retain: rapid.Bool().Draw(t, "flag"), Stored: true}
		for range rapid.IntRange(0, 3).Draw(t, "identifiers") {
			if e.Extra == nil {
				e.Extra = &shard.Extra{}
			}
			e.Extra.Identifiers = append(e.Extra.Identifiers, rapid.Uint32().Draw(t, "identifier"))
		}
		writer, reader := Recorder{Offset: 1000 * time.Hour}, Recorder{Offset: 1000*time.Hour + 7}
		var b store.Batch
		writer.PutEntry(&b, 7, &e)
		op := only(t, &b)
		instance, part, rest, ok := ParseKey(op.Key)
		require.True(t, ok)
		require.EqualValues(t, 7, instance)
		require.Equal(t, PartEntry, part)
		if shared {
			b.Reset()
			writer.PutBody(&b, m)
			body := only(t, &b)
			_, err := reader.ReadEntry(op.Key, rest, op.Value, func(shard.MessageID) *shard.Message { return nil })
			require.ErrorIs(t, err, ErrNoBody)
			kept, err := reader.ReadBody(body.Key, body.Value)
			require.NoError(t, err)
			got, err := reader.ReadEntry(op.Key, rest, op.Value, func(id shard.MessageID) *shard.Message {
				require.Equal(t, m.ID, id)
				return kept
			})
			require.NoError(t, err)
			require.Same(t, kept, got.Message)
			return
		}
		got, err := reader.ReadEntry(op.Key, rest, op.Value, nil)
		require.NoError(t, err)
		require.Equal(t, e.Identifiers(), got.Identifiers())
		require.Equal(t, []any{e.QoS, e.Retain, true}, []any{got.QoS, got.Retain, got.Stored})
		require.Equal(t, []any{m.ID, m.Topic, m.QoS, m.Retain}, []any{got.ID, got.Topic, got.Message.QoS, got.Message.Retain})
		require.True(t, bytes.Equal(m.Payload, got.Payload))
		require.Equal(t, m.Properties, got.Properties)
		switch {
		case m.Expires == 0:
			require.Zero(t, got.Expires)
		case m.Expires == 7: // zero would be never
			require.EqualValues(t, 1, got.Expires)
		default:
			require.Equal(t, m.Expires-7, got.Expires)
		}
	})
}

func TestFlightAndInboundRecords(t *testing.T) {
	var (
		r Recorder
		b store.Batch
	)
	id := shard.MessageID{Epoch: 1, Seq: 2}
	for _, released := range []bool{false, true} {
		b.Reset()
		if released {
			r.PutReleased(&b, 7, 500, id)
		} else {
			r.PutFlight(&b, 7, 500, id, 9)
		}
		op := only(t, &b)
		_, part, rest, _ := ParseKey(op.Key)
		require.Equal(t, PartFlight, part)
		f, err := ReadFlight(op.Key, rest, op.Value)
		require.NoError(t, err)
		holder := uint64(9)
		if released {
			holder = 7
		}
		require.Equal(t, Flight{PacketID: 500, Message: id, Released: released, Holder: holder}, f)
	}
	b.Reset()
	r.PutInbound(&b, 7, 501)
	op := only(t, &b)
	_, part, rest, _ := ParseKey(op.Key)
	require.Equal(t, PartInbound, part)
	packetID, err := ReadInbound(op.Key, rest, op.Value)
	require.NoError(t, err)
	require.EqualValues(t, 501, packetID)
	op.Value[5-1] ^= 1
	_, err = ReadInbound(op.Key, rest, op.Value)
	require.ErrorIs(t, err, store.ErrDamaged)
}

// TestKeysSortAsTheyAreNeeded: at a load what others refer to comes first.
func TestKeysSortAsTheyAreNeeded(t *testing.T) {
	var last []byte
	for _, instance := range []uint64{1, 256} {
		for part := PartRecord; part <= PartInbound; part++ {
			key := AppendKey(nil, instance, part)
			require.Negative(t, bytes.Compare(last, key))
			last = key
		}
	}
	require.Less(t, byte(KeyBody), byte(KeySession))
}

// FuzzRecords: no record makes a reader panic or take more than it is worth.
func FuzzRecords(f *testing.F) {
	f.Add([]byte("s\x00\x00\x00\x00\x00\x00\x00\x07\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x02"), []byte{1, 0, 0, 1, 't', 0, 'p'})
	f.Add([]byte("s\x00\x00\x00\x00\x00\x00\x00\x07\x03\x01\x00"), []byte{1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 7})
	f.Fuzz(func(t *testing.T, key, content []byte) {
		value := store.Sealed(key, append(store.Seal(nil, recordVersion), content...))
		var r Recorder
		_, _, rest, ok := ParseKey(key)
		if !ok {
			return
		}
		e, err := r.ReadEntry(key, rest, value, func(shard.MessageID) *shard.Message { return nil })
		if err == nil {
			require.LessOrEqual(t, len(e.Topic)+len(e.Payload)+len(e.Properties)+len(e.Identifiers()), len(content))
			var b store.Batch
			r.PutEntry(&b, 7, &e)
		}
		_, _ = ReadFlight(key, rest, value)
		_, _ = ReadInbound(key, rest, value)
		_, _ = r.ReadBody(append([]byte{KeyBody}, rest...), value)
	})
}
