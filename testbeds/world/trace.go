package world

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// An Entry is a line of the trace: a packet on its way, or, with To empty,
// something that the machine noted.
type Entry struct {
	At       shard.Time
	From, To string
	Text     string
	Arrives  []shard.Time // of a datagram: when; none: it was lost
}

// String is the entry without times.
func (e Entry) String() string {
	if e.To == "" {
		return e.From + ": " + e.Text
	}
	return e.From + "->" + e.To + " " + e.Text
}

// log puts a line into the trace.
func (w *World) log(e Entry) {
	w.logPacket(e.From, e.To, []byte(e.Text))
	w.tell(func() Entry { return e })
}

// logPacket puts octets on their way, and when they arrive, into the hash.
func (w *World) logPacket(from, to string, data []byte, arrives ...shard.Time) {
	b := binary.BigEndian.AppendUint64(w.record[:0], uint64(w.now))
	for _, part := range []string{from, to} {
		b = append(append(b, part...), 0)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
	b = append(b, data...)
	for _, at := range arrives {
		b = binary.BigEndian.AppendUint64(b, uint64(at))
	}
	w.sum.Write(b)
	w.record = b
}

// tell keeps a line for whoever reads the trace.
func (w *World) tell(line func() Entry) {
	if !w.options.Quiet {
		e := line()
		e.At = w.now
		w.trace = append(w.trace, e)
	}
}

// Entries are the lines of the trace from the n-th on.
func (w *World) Entries(n int) []Entry { return w.trace[n:] }

// Trace is all that happened, a line for each packet.
func (w *World) Trace() string {
	var b strings.Builder
	for _, e := range w.trace {
		fmt.Fprintf(&b, "%s %v", Clock(e.At), e)
		for _, at := range e.Arrives {
			fmt.Fprintf(&b, " @%s", Clock(at))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Hash is the SHA-256 of all that happened, in hexadecimal digits. It does not
// depend on whether the trace is kept.
func (w *World) Hash() string { return hex.EncodeToString(w.sum.Sum(nil)) }

// Clock writes a time as the trace does: in seconds, to the microsecond.
func Clock(t shard.Time) string {
	return fmt.Sprintf("%d.%06d", t/time.Second, t%time.Second/time.Microsecond)
}
