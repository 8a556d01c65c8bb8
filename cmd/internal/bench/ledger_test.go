package bench

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStamp(t *testing.T) {
	want := stamp{run: 0xABCD, stream: 0x01020304, number: 0xFFFFFFFF, at: 78 * time.Hour}
	b := make([]byte, stampSize)
	want.put(b)
	got, ok := readStamp(b)
	require.True(t, ok)
	require.Equal(t, want, got)
	_, ok = readStamp(b[1:])
	require.False(t, ok)
}

func TestLedger(t *testing.T) {
	for _, tt := range []struct {
		name    string
		numbers []uint32
		want    []verdict
	}{
		{"in order", []uint32{1, 2, 3}, []verdict{inOrder, inOrder, inOrder}},
		{"a gap is no disorder", []uint32{1, 5, 700, 5000}, []verdict{inOrder, inOrder, inOrder, inOrder}},
		{"twice", []uint32{1, 1, 2, 1}, []verdict{inOrder, duplicate, inOrder, duplicate}},
		{"overtaken", []uint32{2, 1, 1}, []verdict{inOrder, outOfOrder, duplicate}},
		{"the ring is cleared", []uint32{1, 513, 2}, []verdict{inOrder, inOrder, outOfOrder}},
		{"long ago", []uint32{1, 1000, 1}, []verdict{inOrder, inOrder, outOfOrder}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var l ledger
			for i, n := range tt.numbers {
				require.Equal(t, tt.want[i], l.enter(n), "message %d", n)
			}
		})
	}
}

// Within its memory a ledger says the same as a map that forgets nothing.
func TestLedgerAgreesWithAMap(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var l ledger
	seen, highest := map[uint32]bool{}, uint32(0)
	for range 100_000 {
		n := max(highest, 500) + 20 - uint32(r.IntN(400))
		want := inOrder
		switch {
		case seen[n]:
			want = duplicate
		case n < highest:
			want = outOfOrder
		}
		require.Equal(t, want, l.enter(n))
		seen[n], highest = true, max(highest, n)
	}
}
