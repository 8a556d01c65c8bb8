package serial

import (
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/dormouse-mqtt/dormouse/radio/slip"
)

// Options configure a Link. The zero value is ready to use.
type Options struct {
	Baud   int    // bits per second; zero: 115,200
	RTSCTS bool   // hardware flow control
	MTU    int    // octets of the longest message; zero: 1,006 (RFC 1055)
	Line   uint32 // the number of the line in addresses
	// Backoff is the first pause before the line is opened again; it doubles
	// up to 40 times itself. Zero: 250 ms.
	Backoff time.Duration
	Logger  *slog.Logger // nil: slog.Default()
	// OnState is told when the line comes up, and why it went down, in this order,
	// by NewLink and then by the goroutine that reads. It may be nil.
	OnState func(up bool, err error)
}

// withDefaults fills in what is zero.
func (o Options) withDefaults() Options {
	if o.Baud == 0 {
		o.Baud = defaultBaud
	}
	if o.MTU == 0 {
		o.MTU = defaultMTU
	}
	if o.Backoff == 0 {
		o.Backoff = defaultBackoff
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.OnState == nil {
		o.OnState = func(bool, error) {}
	}
	return o
}

func (o Options) check() error {
	switch {
	case o.Baud < 0 || o.Baud > math.MaxInt32:
		return fmt.Errorf("baud %d is no rate", o.Baud)
	case o.MTU < 0 || o.MTU > maxMTU:
		return fmt.Errorf("mtu %d is not in 1..%d", o.MTU, maxMTU)
	case o.Backoff < 0:
		return fmt.Errorf("backoff %v is negative", o.Backoff)
	}
	return nil
}

// Stats count messages since the link was made; slip.Stats those that were read,
// and the garbage.
type Stats struct {
	slip.Stats
	Sent    uint64
	Dropped uint64 // written while the line was away; too long for it or for a reader
	Opened  uint64 // how often the line came up
}
