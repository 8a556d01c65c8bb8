package sim

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// file is a synced part and a write of four sectors behind it.
func file(state writeState) (p platter, kept, added []byte) {
	kept, added = bytes.Repeat([]byte("k"), 100), bytes.Repeat([]byte("a"), 4*sector)
	p.write(0, kept)
	p.settle(written)
	p.sync(seeded(1))
	p.write(len(kept), added)
	p.settle(state)
	return p, kept, added
}

// Sectors are written whole, and what was synced stays.
func TestCrash(t *testing.T) {
	for _, state := range []writeState{underWay, written, broken} {
		p, kept, added := file(state)
		lengths, holes := map[int]bool{}, 0
		for seed := range uint64(500) {
			data := p.crash(seeded(seed)).data
			require.Equal(t, kept, data[:len(kept)])
			rest := data[len(kept):]
			lengths[len(rest)] = true
			if bytes.IndexByte(rest, 0) >= 0 {
				holes++
			}
			for i, c := range rest {
				if (len(kept)+i)%sector != 0 && i > 0 {
					require.Equal(t, rest[i-1], c, "sector torn at %d", i)
				}
			}
		}
		require.Len(t, lengths, 6, "absent, whole, and each of the sectors may be the last")
		require.True(t, lengths[0] && lengths[len(added)])
		require.NotZero(t, holes)
	}
}

// Looking at what a disk could hold changes nothing.
func TestCrashCopies(t *testing.T) {
	p, kept, added := file(written)
	p.sync(seeded(1))
	p.write(0, added) // over what is there, as after a failure
	for seed := range uint64(20) {
		p.crash(seeded(seed))
		p.kill(seeded(seed))
		require.Equal(t, append(kept[:len(kept):len(kept)], added...), p.durable)
	}
}

func TestKill(t *testing.T) {
	for _, tt := range []struct {
		name  string
		state writeState
		safe  bool
	}{
		{"under way", underWay, false},
		{"written", written, true},
		{"failed", broken, false},
	} {
		p, kept, added := file(tt.state)
		lost := false
		for seed := range uint64(50) {
			data := p.kill(seeded(seed)).data
			lost = lost || !bytes.Equal(data, append(kept[:len(kept):len(kept)], added...))
		}
		require.Equal(t, !tt.safe, lost, tt.name)
	}
}

// After a sync that failed, one that succeeds says nothing of what was written
// before, though a reader, or a process after a kill, still finds it.
func TestFailedSyncForgets(t *testing.T) {
	lost := false
	for seed := range uint64(50) {
		p, kept, added := file(written)
		p.forget()
		require.Len(t, p.kill(seeded(seed)).data, len(kept)+len(added))
		p.sync(seeded(seed))
		lost = lost || len(p.durable) < len(kept)+len(added)
	}
	require.True(t, lost)
}

func TestFailedWritesAreBounded(t *testing.T) {
	var p platter
	for i := range 100 {
		p.write(i, []byte("x"))
		p.settle([]writeState{broken, written}[i%2])
	}
	require.Len(t, p.unsynced, 50+keepBroken)
}
