package sim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/store"
)

const ms = time.Millisecond

// A desk is a store with what it told, and when.
type desk struct {
	*Store
	told []string
}

func open(o Options) *desk {
	d := &desk{}
	d.Store = New(func(ev store.Event) {
		text := fmt.Sprint(d.now, " ")
		switch ev.Kind {
		case store.Committed:
			text += fmt.Sprint("committed ", ev.Ticket)
		case store.Failed:
			text += fmt.Sprint("failed ", ev.Ticket)
		case store.Stalled:
			text += fmt.Sprint("stalled ", ev.Ticket)
		case store.Read:
			text += fmt.Sprint("read ", ev.Tag, ":")
			for _, x := range ev.Entries {
				text += " " + string(x.Key)
			}
		}
		d.told = append(d.told, text)
	}, o)
	return d
}

func (d *desk) take() []string {
	told := d.told
	d.told = nil
	return told
}

// write submits operations: "+k" puts, "-k" deletes, "a~b" deletes a range.
func (d *desk) write(ops ...string) store.Ticket {
	var b store.Batch
	for _, op := range ops {
		switch {
		case op[0] == '+':
			b.Put([]byte(op[1:]), []byte("the value of "+op[1:]))
		case op[0] == '-':
			b.Delete([]byte(op[1:]))
		default:
			b.DeleteRange([]byte(op[:1]), []byte(op[2:]))
		}
	}
	return d.Submit(&b)
}

func (d *desk) request(tag uint64) {
	d.Request(store.ReadRequest{Tag: tag, To: []byte{0xff}, MaxEntries: 99, MaxOctets: 9999})
}

// run goes from deadline to deadline.
func (d *desk) run(until time.Duration) {
	for at, ok := d.Deadline(); ok && at <= until; at, ok = d.Deadline() {
		d.Advance(at)
	}
	d.Advance(until)
}

func (d *desk) keys() []string { return keysOf(d.Store) }

func keysOf(s *Store) []string {
	keys := []string{}
	_ = s.Load(func(k, _ []byte) error { keys = append(keys, string(k)); return nil })
	return keys
}

func keysOn(disk *Disk) []string { return keysOf(New(nil, Options{Disk: disk})) }

// A free committer takes all that waits; what comes meanwhile is the next group.
func TestL1Groups(t *testing.T) {
	d := open(Options{Commit: Range{5 * ms, 5 * ms}})
	_, ok := d.Deadline()
	require.False(t, ok, "nothing to do")
	d.Advance(100 * ms)
	d.write("+a")
	d.write("+b")
	at, ok := d.Deadline()
	require.True(t, ok)
	require.Equal(t, 100*ms, at, "at once")
	d.Advance(at)
	d.write("+c")
	d.write("+d")
	require.Empty(t, d.take())
	d.run(time.Second)
	require.Equal(t, []string{"105ms committed 2", "110ms committed 4"}, d.take())
	got := d.Statistics()
	require.Equal(t, 2, got.Syncs)
	require.Equal(t, 4, got.Puts)
	require.Equal(t, store.Ticket(4), got.Synced)
}

// L1: what was acknowledged before its group was taken is never written.
func TestL1PutAndDeleteMeet(t *testing.T) {
	for _, tt := range []struct {
		name          string
		before        string
		batches       [][]string
		puts, dropped int
		syncs         int
		want          []string
	}{
		{"in one batch", "+z", [][]string{{"+a", "-a"}}, 0, 1, 0, []string{"z"}},
		{"in one group", "+z", [][]string{{"+a"}, {"-a"}}, 0, 1, 0, []string{"z"}},
		{"by a range", "+z", [][]string{{"+a", "+b", "+c"}, {"a~c"}}, 1, 2, 1, []string{"c", "z"}},
		{"put again", "+z", [][]string{{"+a"}, {"-a"}, {"+a"}}, 1, 1, 1, []string{"a", "z"}},
		{"put after the range", "+z", [][]string{{"a~c"}, {"+b"}}, 1, 0, 1, []string{"b", "z"}},
		{"twice", "+z", [][]string{{"+a", "-a", "+a", "-a"}}, 0, 2, 0, []string{"z"}},
		{"an older value", "+a", [][]string{{"+a"}, {"-a"}}, 0, 1, 1, []string{}},
		{"an older value in the range", "+a", [][]string{{"+b"}, {"a~c"}}, 0, 1, 1, []string{}},
		{"nothing to delete", "+z", [][]string{{"-a", "a~c"}}, 0, 0, 0, []string{"z"}},
		{"nothing", "+z", [][]string{{}}, 0, 0, 0, []string{"z"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := open(Options{Commit: Range{5 * ms, 5 * ms}})
			d.write(tt.before)
			d.run(ms * 10)
			before := d.Statistics()
			d.take()
			for _, b := range tt.batches {
				d.write(b...)
			}
			d.run(ms * 10)
			if tt.syncs == 0 {
				require.Equal(t, []string{fmt.Sprint("10ms committed ", 1+len(tt.batches))}, d.take(), "without latency")
				require.Equal(t, before.Octets, d.Statistics().Octets)
			}
			d.run(ms * 20)
			require.Equal(t, tt.want, d.keys())
			got := d.Statistics()
			require.Equal(t, tt.puts, got.Puts-before.Puts)
			require.Equal(t, tt.dropped, got.Dropped-before.Dropped)
			require.Equal(t, tt.syncs, got.Syncs-before.Syncs)
			require.Equal(t, tt.want, keysOn(d.Crash(1)))
		})
	}
}

// A read is behind what was submitted before, and brings it in one piece.
func TestL1ReadsWaitForTheirBatches(t *testing.T) {
	d := open(Options{Commit: Range{5 * ms, 5 * ms}, Read: Range{2 * ms, 2 * ms}})
	d.request(1)
	d.write("+a")
	d.request(2)
	d.run(ms)
	d.write("+b")
	d.request(3)
	d.run(time.Second)
	require.Equal(t, []string{"2ms read 1:", "5ms committed 1", "7ms read 2: a", "10ms committed 2", "12ms read 3: a b"}, d.take())
}

// L9: the store goes on trying, ever more slowly, and says after its patience
// that publishers have waited long enough. The next commit has all.
func TestFailsStallsAndGoesOn(t *testing.T) {
	d := open(Options{Commit: Range{5 * ms, 5 * ms}, Patience: 100 * ms, Backoff: Range{20 * ms, 60 * ms}})
	broken := errors.New("broken")
	d.Break(broken)
	d.write("+a")
	d.run(10 * ms)
	d.write("+b")
	d.run(150 * ms)
	require.Equal(t, []string{
		"5ms failed 1", "30ms failed 2", "75ms failed 2", "105ms stalled 2", "140ms failed 2",
	}, d.take())
	require.Empty(t, d.keys(), "a read sees nothing that is not durable")
	d.Break(nil)
	d.run(time.Second)
	require.Equal(t, []string{"205ms committed 2"}, d.take())
	require.Equal(t, []string{"a", "b"}, keysOn(d.Crash(1)))
	d.Break(broken)
	d.write("+c")
	d.run(1010 * ms)
	require.Equal(t, []string{"1.005s failed 3"}, d.take(), "patience and back-off begin anew")
}

func TestPatienceIsTenSeconds(t *testing.T) {
	d := open(Options{})
	d.Break(ErrNoSpace)
	d.write("+a")
	d.run(20 * time.Second)
	require.Contains(t, d.take(), "10s stalled 1")
}

// A message that was refused may come back with a crash before the next commit,
// but not after it, although nothing was left to be written.
func TestRefusedDoesNotOutliveTheNextCommit(t *testing.T) {
	back, killed := 0, 0
	for seed := range uint64(100) {
		d := open(Options{Seed: seed, Patience: 100 * ms})
		d.write("+a")
		d.run(0)
		d.Break(ErrIO)
		d.write("+refused")
		d.run(150 * ms)
		if len(keysOn(d.Crash(seed))) == 2 {
			back++
		}
		if len(keysOn(d.Kill(seed))) == 2 {
			killed++
		}
		d.write("-refused")
		d.Break(nil)
		d.run(time.Second)
		require.Equal(t, 1, d.Statistics().Dropped)
		require.Equal(t, []string{"a"}, keysOn(d.Crash(seed)))
	}
	require.NotZero(t, back, "or else this test shows nothing")
	require.True(t, 0 < killed && killed < 100, "a failed write may be there for who is killed, too")
}

// With SyncWithin a commit survives a kill at once, a power cut later.
func TestSyncsLater(t *testing.T) {
	lost := 0
	for seed := range uint64(50) {
		d := open(Options{Seed: seed, Commit: Range{ms, ms}, SyncWithin: 50 * ms})
		d.write("+a")
		d.run(10 * ms)
		require.Equal(t, []string{"1ms committed 1"}, d.take())
		require.Zero(t, d.Statistics().Synced)
		require.Equal(t, []string{"a"}, keysOn(d.Kill(seed)))
		if len(keysOn(d.Crash(seed))) == 0 {
			lost++
		}
		at, ok := d.Deadline()
		require.True(t, ok)
		require.Equal(t, 51*ms, at)
		d.run(52 * ms)
		require.Empty(t, d.take(), "nothing new")
		require.Equal(t, store.Ticket(1), d.Statistics().Synced)
		require.Equal(t, []string{"a"}, keysOn(d.Crash(seed)))
	}
	require.NotZero(t, lost)
}

// However much is written, the oldest is synced in time.
func TestSyncIsPutOffOnce(t *testing.T) {
	d := open(Options{Commit: Range{ms, ms}, SyncWithin: 50 * ms})
	for i := range 60 {
		d.write(fmt.Sprint("+", i))
		d.run(time.Duration(i) * ms)
	}
	require.GreaterOrEqual(t, d.Statistics().Synced, store.Ticket(45))
	require.Equal(t, 1, d.Statistics().Syncs)
}

// A sync that was put off and failed is told, and so is the end of the trouble.
func TestLateSyncFails(t *testing.T) {
	d := open(Options{Commit: Range{ms, ms}, SyncWithin: 50 * ms})
	d.write("+a")
	d.run(10 * ms)
	d.Break(ErrIO)
	d.run(60 * ms)
	require.Equal(t, []string{"1ms committed 1", "52ms failed 1"}, d.take())
	require.Equal(t, forgotten, d.log.file.unsynced[0].state)
	require.Equal(t, []string{"a"}, keysOn(d.Kill(1)))
	d.Break(nil)
	d.run(100 * ms)
	require.Equal(t, []string{"63ms committed 1"}, d.take())
	for seed := range uint64(20) {
		require.Equal(t, []string{"a"}, keysOn(d.Crash(seed)))
	}
}

// Writes that were not synced may be torn and reordered; recovery stops at the
// first hole, so that no group is there without those before it.
func TestReorderedWrites(t *testing.T) {
	seen := map[string]bool{}
	holes := 0
	for seed := range uint64(300) {
		d := open(Options{Seed: seed, SyncWithin: time.Second})
		for _, key := range []string{"+a", "+b", "+c"} {
			d.write(key)
			d.run(0)
		}
		s := New(nil, Options{Disk: d.Crash(seed)})
		seen[fmt.Sprint(keysOf(s))] = true
		if s.Statistics().Discarded > 0 {
			holes++
		}
	}
	require.Equal(t, map[string]bool{"[]": true, "[a]": true, "[a b]": true, "[a b c]": true}, seen)
	require.NotZero(t, holes)
}

func TestSameSeedSameEvents(t *testing.T) {
	life := func(seed uint64) []string {
		d := open(Options{Seed: seed, Commit: Range{0, 20 * ms}, Read: Range{0, 9 * ms}, EIO: 0.2, ENOSPC: 0.2})
		for i := range 50 {
			d.write(fmt.Sprint("+", i))
			d.request(uint64(i))
			d.run(time.Duration(i) * 7 * ms)
		}
		return append(d.take(), fmt.Sprint(d.Statistics()), fmt.Sprint(d.Crash(seed)))
	}
	require.Equal(t, life(1), life(1))
	require.NotEqual(t, life(1), life(2))
}

func TestCloseTriesWithPatience(t *testing.T) {
	failures := 0
	for seed := range uint64(20) {
		d := open(Options{Seed: seed, EIO: 0.3, ENOSPC: 0.1})
		d.write("+a")
		require.NoError(t, d.Close())
		failures += d.Statistics().Failures
		require.Equal(t, []string{"a"}, keysOn(d.Kill(seed)))
	}
	require.NotZero(t, failures)

	d := open(Options{})
	d.Break(ErrIO)
	d.write("+a")
	require.ErrorIs(t, d.Close(), ErrIO)
	require.Contains(t, d.take(), "10s stalled 1")
	require.ErrorIs(t, d.Close(), ErrIO)
}

// A slow caller finds the same that a prompt one would.
func TestOneAdvanceForAll(t *testing.T) {
	d := open(Options{Commit: Range{5 * ms, 5 * ms}, Read: Range{ms, ms}})
	d.Advance(10 * ms)
	d.write("+a")
	d.Advance(10 * ms)
	d.write("+b")
	d.request(1)
	d.Advance(time.Minute)
	require.Equal(t, []string{"15ms committed 1", "20ms committed 2", "21ms read 1: a b"}, d.take())
}

// BenchmarkLife is a store of a short life, with batches like those of a
// publish and of an acknowledgement; a commit is what it reports.
func BenchmarkLife(b *testing.B) {
	const batches = 500
	b.ReportAllocs()
	value := make([]byte, 100)
	var batch store.Batch
	var key [8]byte
	for b.Loop() {
		s := New(func(store.Event) {}, Options{Commit: Range{ms, 5 * ms}})
		for i := range batches {
			batch.Reset()
			batch.Put(binary.BigEndian.AppendUint64(key[:0], uint64(i)), value)
			batch.Delete(binary.BigEndian.AppendUint64(key[:0], uint64(i-100)))
			s.Submit(&batch)
			s.Advance(time.Duration(i) * 6 * ms)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batches), "ns/commit")
}

// BenchmarkSubmit hands over a batch; of a hundred one pays for their group.
func BenchmarkSubmit(b *testing.B) {
	b.ReportAllocs()
	s := New(func(store.Event) {}, Options{})
	var batch store.Batch
	batch.Put(make([]byte, 16), make([]byte, 100))
	batch.Delete(make([]byte, 16)) // meets its put: the log stays short
	for i := 0; b.Loop(); i++ {
		s.Submit(&batch)
		if i%100 == 99 {
			s.Advance(0)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	b.ReportAllocs()
	d := open(Options{})
	for i := range 300 {
		d.write(fmt.Sprint("+", i))
		d.Advance(0)
	}
	disk := d.Crash(1)
	for b.Loop() {
		New(nil, Options{Disk: disk})
	}
}
