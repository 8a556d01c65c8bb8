package shard

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/store"
	"github.com/dormouse-mqtt/dormouse/radio"
)

func TestOutputsAreGatheredByConnection(t *testing.T) {
	var o Out
	a, b := Dest{ID: 1}, Dest{ID: 2}
	for round := range 3 {
		o.BeginRound()
		for _, d := range []*Dest{&a, &b, &a} {
			x := o.To(d)
			x.Data = append(x.Data, byte(d.ID))
		}
		outputs := o.Outputs()
		require.Len(t, outputs, 2, "round %d", round)
		require.Equal(t, []byte{1, 1}, outputs[0].Data)
		require.Equal(t, []byte{2}, outputs[1].Data)
		require.False(t, outputs[0].Close)
		outputs[0].Close = true // must not come back in the next round
	}
}

// TestRollback: an event that panicked leaves nothing (L15).
func TestRollback(t *testing.T) {
	var o Out
	a, b := Dest{ID: 1}, Dest{ID: 2}
	o.BeginRound()
	x := o.To(&a)
	x.Data = append(x.Data, "kept"...)
	o.Batch.Put([]byte("k"), nil)
	o.Datagram(1, radio.Memory(1), radio.Addr{}, []byte("kept"))

	o.BeginEvent()
	x = o.To(&a)
	x.Data, x.Close = append(x.Data, "gone"...), true
	y := o.To(&b)
	y.Data = append(y.Data, "gone"...)
	o.Batch.Delete([]byte("k"))
	o.Datagram(1, radio.Memory(1), radio.Addr{}, []byte("gone"))
	o.Wake = append(o.Wake, Wake{})
	size := o.Batch.Size()
	o.Rollback()

	require.Len(t, o.Outputs(), 1)
	require.Equal(t, "kept", string(o.Outputs()[0].Data))
	require.False(t, o.Outputs()[0].Close)
	require.Less(t, o.Batch.Size(), size)
	require.Len(t, o.Outgoing(), 1)
	require.Equal(t, "kept", string(o.Outgoing()[0].Data))
	require.Empty(t, o.Wake)
	y = o.To(&b) // its place is found anew
	require.Empty(t, y.Data)
}

func TestL1MarksFollowTickets(t *testing.T) {
	var o Out
	o.BeginRound()
	first := o.Mark()
	submit := func(t store.Ticket) {
		o.Batch.Put(nil, nil)
		o.Submit(func(*store.Batch) store.Ticket { return t })
	}
	submit(10)
	o.BeginRound()
	o.BeginRound()
	second := o.Mark()
	submit(12)
	require.Zero(t, o.Durable())
	o.Committed(9)
	require.Zero(t, o.Durable())
	o.Committed(11)
	require.Equal(t, first, o.Durable())
	o.Committed(12)
	require.Equal(t, second, o.Durable())
}

// TestRollbackTwice: Evict may panic too, on the same output.
func TestRollbackTwice(t *testing.T) {
	var o Out
	a := Dest{ID: 1}
	o.BeginRound()
	x := o.To(&a)
	x.Data = append(x.Data, "kept"...)
	o.BeginEvent()
	for range 2 {
		x = o.To(&a)
		x.Data, x.Close, x.Read = append(x.Data, "gone"...), true, ReadPause
		o.Rollback()
	}
	got := o.Outputs()
	require.Len(t, got, 1)
	require.Equal(t, "kept", string(got[0].Data))
	require.False(t, got[0].Close)
	require.Equal(t, ReadUnchanged, got[0].Read)
}

func TestDatagramsAreCopied(t *testing.T) {
	var o Out
	for range 2 {
		o.BeginRound()
		data := []byte{1}
		for i := range 100 {
			data[0] = byte(i)
			o.Datagram(LinkID(i), radio.Memory(uint64(i)), radio.Memory(7), data)
		}
		got := o.Outgoing()
		require.Len(t, got, 100)
		for i, d := range got {
			require.Equal(t, []byte{byte(i)}, d.Data)
			require.Equal(t, LinkID(i), d.Link)
			require.Equal(t, radio.Memory(uint64(i)), d.To)
			require.Equal(t, radio.Memory(7), d.Local)
		}
	}
}

func TestNotesAreBounded(t *testing.T) {
	var o Out
	o.BeginRound()
	for range 2 * maxNotes {
		o.Note(Note{})
	}
	require.Len(t, o.Notes, maxNotes)
	o.BeginRound()
	require.Empty(t, o.Notes)
}

func TestBigBuffersAreGivenBack(t *testing.T) {
	var o Out
	a := Dest{ID: 1}
	o.BeginRound()
	o.To(&a).Data = make([]byte, keepOutputs+1)
	o.Datagram(1, radio.Memory(1), radio.Addr{}, make([]byte, keepPackets+1))
	o.BeginRound()
	require.Zero(t, cap(o.To(&a).Data))
	require.Zero(t, cap(o.packets))

	for n := range 5 { // rounds of many, and of few
		o.BeginRound()
		for i := range 200 >> n {
			x := o.To(&Dest{ID: ConnID(i + 1)})
			x.Data = append(x.Data, make([]byte, 64<<10)...)
		}
	}
	o.BeginRound()
	kept := 0
	for _, x := range o.outputs[:cap(o.outputs)] {
		kept += cap(x.Data)
	}
	require.LessOrEqual(t, kept, keepOutputs)
	require.Greater(t, kept, keepOutputs/2)
}

// TestRoundsFollow: what a round says on account of another's ticket waits for
// it, with or without a batch of its own, and never overtakes an earlier round.
func TestRoundsFollow(t *testing.T) {
	none := func(*store.Batch) store.Ticket { t.Fatal("nothing to submit"); return 0 }
	var o Out
	o.BeginRound()
	o.Submit(none)
	require.Zero(t, o.Ticket())

	o.BeginRound()
	o.Follow(5, Backlog{})
	first := o.Mark()
	o.Submit(none)
	require.EqualValues(t, 5, o.Ticket())
	o.Committed(4)
	require.Less(t, o.Durable(), first)

	o.BeginRound()
	o.Follow(3, Backlog{}) // is durable, but the round before is not
	second := o.Mark()
	o.Submit(none)
	require.Less(t, o.Durable(), first)
	o.Committed(5)
	require.Equal(t, second, o.Durable())

	o.BeginRound()
	o.Follow(5, Backlog{})
	o.Submit(none)
	require.Equal(t, o.Mark(), o.Durable(), "it was durable already")
	require.Zero(t, o.Ticket())
}

// TestPostsAreRolledBack: an event that panicked posts nothing.
func TestPostsAreRolledBack(t *testing.T) {
	var o Out
	o.BeginRound()
	o.Posts = append(o.Posts, Post{})
	o.BeginEvent()
	o.Posts = append(o.Posts, Post{})
	o.Rollback()
	require.Len(t, o.Posts, 1)
	o.BeginRound()
	require.Empty(t, o.Posts)
}

// TestLargeOctetsAreAttached, come in their place, and are undone with the event.
func TestLargeOctetsAreAttached(t *testing.T) {
	var out Out
	out.BeginRound()
	large := []byte("large")
	o := out.To(&Dest{ID: 1})
	o.Data = append(o.Data, "head "...)
	o.Attach(large)
	o.Data = append(o.Data, " tail"...)
	require.Same(t, &large[0], &o.Large[0].Data[0])
	require.Equal(t, "head large tail", string(o.Octets(nil)))
	require.Equal(t, 15, o.Size())

	out.BeginEvent()
	o = out.To(&Dest{ID: 1, round: out.round})
	o.Attach(large)
	o.Data, o.Tell = append(o.Data, "!"...), true
	out.Rollback()
	require.Equal(t, "head large tail", string(o.Octets(nil)))
	require.Equal(t, 15, o.Size())
	require.False(t, o.Tell)

	out.BeginRound()
	o = out.To(&Dest{ID: 2})
	require.Zero(t, o.Size())
	require.Nil(t, o.Large[:1][0].Data, "nothing is held on to")
}

// TestRollbackOfANewOutput: it is gone, and serves again.
func TestRollbackOfANewOutput(t *testing.T) {
	var out Out
	d := Dest{ID: 1}
	for range 3 {
		out.BeginRound()
		o := out.To(&d)
		o.Data, o.Close, o.Tell, o.Read = append(o.Data, "bad"...), true, true, ReadPause
		o.Attach([]byte("large"))
		out.Rollback()
		require.Empty(t, out.Outputs())
		require.Zero(t, out.Pending(&d))
		o = out.To(&d)
		require.Equal(t, Output{Conn: 1, Data: []byte{}, Large: []Large{}, event: o.event, kept: o.kept}, *o)
		o.Data = append(o.Data, "good"...)
		out.BeginEvent()
		out.To(&d).Data = append(o.Data, "bad"...)
		out.Rollback()
		require.Equal(t, "good", string(out.Outputs()[0].Octets(nil)))
		require.Equal(t, 4, out.Pending(&d))
	}
}
