package world

import (
	"crypto/sha256"
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

func (w *World) log(e Entry) {
	e.At = w.now
	w.trace = append(w.trace, e)
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

// Hash is the SHA-256 of the trace, in hexadecimal digits.
func (w *World) Hash() string {
	sum := sha256.Sum256([]byte(w.Trace()))
	return hex.EncodeToString(sum[:])
}

// Clock writes a time as the trace does: in seconds, to the microsecond.
func Clock(t shard.Time) string {
	return fmt.Sprintf("%d.%06d", t/time.Second, t%time.Second/time.Microsecond)
}
