package shard

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func released(r *Ring, durable Mark) (all []string) {
	for {
		p, ok := r.Next(durable)
		if !ok {
			return all
		}
		all = append(all, string(p.Packet))
	}
}

func TestRingIsFirstInFirstOut(t *testing.T) {
	var r Ring
	require.Equal(t, Mark(5), r.Put(5, 1, 0, []byte("a")))
	require.Equal(t, Mark(7), r.Put(7, 2, 0, []byte("b")))
	require.Equal(t, Mark(7), r.Put(6, 1, 0, []byte("c")), "never before an older entry")
	require.Empty(t, released(&r, 4))
	require.Equal(t, []string{"a"}, released(&r, 6))
	require.Equal(t, []string{"b", "c"}, released(&r, 7))
	require.Zero(t, r.Len())
	require.Equal(t, Mark(6), r.Put(6, 1, 0, nil), "an empty ring holds nobody up")
}

func TestRingKeepsPacketsApart(t *testing.T) {
	var r Ring
	for i := range 1000 {
		r.Put(Mark(i), ConnID(i), uint8(i), []byte{byte(i), byte(i >> 8)})
		if i%3 == 2 {
			p, ok := r.Next(Mark(i))
			require.True(t, ok)
			n := i / 3
			require.Equal(t, Released{ConnID(n), uint8(n), []byte{byte(n), byte(n >> 8)}, nil}, p)
		}
	}
	require.Len(t, released(&r, 1000), 1000-333)
	require.Empty(t, r.data)
}

// TestReleasedPacketsStayValid: all that one durable mark releases, until Put.
func TestReleasedPacketsStayValid(t *testing.T) {
	var r Ring
	for i := range 100 {
		r.Put(Mark(i), 1, 0, []byte{byte(i)})
	}
	var first [][]byte
	for i := range 100 {
		p, ok := r.Next(100)
		require.True(t, ok)
		require.Equal(t, 1, cap(p.Packet), "appending must not hit the next packet")
		first = append(first, p.Packet)
		require.Equal(t, 99-i, r.Len())
	}
	for i, p := range first {
		require.Equal(t, []byte{byte(i)}, p)
	}
}

// TestRingDoesNotCopyTails: what is large and never changes comes out as it is.
func TestRingDoesNotCopyTails(t *testing.T) {
	var r Ring
	tail := []byte("tail")
	r.PutTail(1, 1, 0, []byte("a"), tail)
	r.PutTail(2, 2, 0, []byte("b"), tail)
	r.Filter(func(p Released) bool { return p.Conn == 2 })
	p, ok := r.Next(2)
	require.True(t, ok)
	require.Equal(t, "b", string(p.Packet))
	require.Same(t, &tail[0], &p.Tail[0])
	require.Nil(t, r.entries[:2][0].tail)
	require.Nil(t, r.entries[:2][1].tail)
}

// TestRingCompacts: a ring that never runs empty does not grow.
func TestRingCompacts(t *testing.T) {
	var r Ring
	packet := make([]byte, 100)
	for i := Mark(1); i <= 10_000; i++ {
		r.Put(i, 1, 0, packet)
		if i > 10 {
			require.Len(t, released(&r, i-10), 1)
		}
	}
	require.Equal(t, 10, r.Len())
	require.Less(t, cap(r.data), 100*100)
	require.Less(t, cap(r.entries), 100)
	r.Put(20_000, 1, 0, make([]byte, 2*keepRing))
	require.Len(t, released(&r, 20_000), 11)
	require.Nil(t, r.data)
}
