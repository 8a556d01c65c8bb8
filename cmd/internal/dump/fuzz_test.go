package dump

import (
	"bytes"
	"testing"

	"github.com/gopacket/gopacket/layers"
)

// counter counts octets.
type counter int

func (c *counter) Write(b []byte) (int, error) { *c += counter(len(b)); return len(b), nil }

// FuzzDump reads captures and hex: nothing panics, and what is printed is in
// proportion to what is read.
func FuzzDump(f *testing.F) {
	var t testing.T
	w := newWire(&t, layers.LinkTypeRaw) // small: the fuzzer shrinks what it finds octet by octet
	(&end{w, sensor, host, 50123, 1883, 77}).say(ping...)
	w.udp(sensor, 7000, host, 1884, []byte{2, 0x16})
	f.Add(w.pcap(), false)
	f.Add(w.pcapng(), true)
	f.Add([]byte("c000d000 # pings\n04fe00070216\n3006000361ff6263\n"), false)
	f.Fuzz(func(t *testing.T, in []byte, json bool) {
		var out counter
		d := New(&out, Options{JSON: json})
		d.Read(bytes.NewReader(in))
		if int(out) > 100_000+2000*len(in) {
			t.Fatalf("%d octets of %d", out, len(in))
		}
	})
}
