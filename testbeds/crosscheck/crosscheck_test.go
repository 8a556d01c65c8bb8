// Package crosscheck holds our MQTT codec against codecs of others: those of
// the Eclipse Paho clients in Go, and mqtt-packet of npm, whose kept result
// `make crosscheck` renews. The packets are the vectors of broker/mqtt.
package crosscheck

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/stretchr/testify/require"
)

// A peerPacket is a packet that the codec of another has decoded.
type peerPacket interface {
	fields(v *vector) object // in the words of the vectors
	encode() ([]byte, error)
}

type decoder func(octets []byte) (peerPacket, error)

// A step is one of the ways in which a vector goes.
type step string

const (
	reads     step = "paho decodes the octets of the vector to other fields"
	readsOurs step = "paho decodes what our codec encodes to other fields"
	writes    step = "our codec decodes what paho encodes to other fields"
)

// disagreements are the vectors of which paho thinks otherwise, in exactly
// these steps, and why; numbers are sections of the texts. An id that ends in a
// star stands for all that begin so.
var disagreements = []struct {
	id    string
	steps []step
	why   string
}{
	{"v5-connect-will-props", []step{writes},
		"paho encodes the will's properties as those of CONNECT, without the five that a PUBLISH has (3.1.3.2)"},
	{"v5-publish-s2c-subids", []step{reads, readsOurs, writes},
		"paho keeps one Subscription Identifier, the last; there may be one of each subscription [MQTT-3.3.4-4]"},
	{"v5-publish-empty-strings", []step{reads, readsOurs, writes},
		"to paho an empty string is a property that is not there; a string may have no octets (1.5.4)"},
	{"v5-disconnect-short", []step{reads, readsOurs},
		"paho refuses DISCONNECT of Remaining Length 0, which is reason code 0 (3.14.2.1)"},
	{"v5-disconnect-00-len2", []step{readsOurs},
		"ours encodes it with Remaining Length 0, which paho refuses (3.14.2.1)"},
	{"v5-auth-00", []step{reads, readsOurs, writes},
		"to paho empty Authentication Data is a property that is not there; binary data may have no octets (1.5.6)"},
	{"v5-auth-short", []step{writes},
		"paho encodes it with a property length, and then the Authentication Method may not be missing (3.15.2.2.2)"},
	{"v31-connect-user-missing", []step{reads},
		"paho reads 3.1 by the rules of 3.1.1; in 3.1 the Remaining Length wins over the user name flag (3.1)"},
}

func disagreementOf(id string) (row int, ok bool) {
	for row, d := range disagreements {
		if prefix, star := strings.CutSuffix(d.id, "*"); id == d.id || star && strings.HasPrefix(id, prefix) {
			return row, true
		}
	}
	return 0, false
}

func TestPahoV5(t *testing.T) { testPeer(t, decodeV5, "v5-", mqtt.V5) }

func TestPahoV3(t *testing.T) { testPeer(t, decodeV3, "v3", mqtt.V31, mqtt.V311) }

// testPeer checks the valid vectors of these versions, whose ids begin so.
func testPeer(t *testing.T, decode decoder, prefix string, versions ...mqtt.Version) {
	used := map[int]bool{}
	all := true // none left out by -run
	for _, version := range versions {
		agreed, differed := 0, 0
		for _, v := range loadVectors(t) {
			if !v.Valid || v.version() != version || v.Repeat > maxRepeat {
				continue
			}
			require.True(t, strings.HasPrefix(v.ID, prefix), v.ID)
			ran := false
			t.Run(v.ID, func(t *testing.T) {
				ran = true
				found, texts := compare(t, &v, decode)
				row, listed := disagreementOf(v.ID)
				if !listed {
					require.Empty(t, texts)
					agreed++
					return
				}
				used[row] = true
				differed++
				require.Equal(t, disagreements[row].steps, found, "%q: %v", disagreements[row].why, texts)
				t.Logf("note: %s", disagreements[row].why)
			})
			all = all && ran
		}
		t.Logf("%v: %d agree, %d differ", version, agreed, differed)
	}
	if !all || t.Failed() {
		return
	}
	for row, d := range disagreements {
		require.Equal(t, strings.HasPrefix(d.id, prefix), used[row], "a row without a vector: %s", d.id)
	}
}

// compare takes one vector through both codecs, and gives the steps that went
// wrong and how.
func compare(t *testing.T, v *vector, decode decoder) (wrong []step, texts []string) {
	t.Helper()
	complain := func(s step, format string, args ...any) {
		wrong = append(wrong, s)
		texts = append(texts, string(s)+": "+fmt.Sprintf(format, args...))
	}
	want := normal(v.want())
	in := v.octets(t)

	theirs, err := decode(in)
	if err != nil {
		complain(reads, "%v", err)
	} else if got := normal(theirs.fields(v)); !reflect.DeepEqual(want, got) {
		complain(reads, "%v, not %v", got, want)
	}

	d := mqtt.Decoder{From: v.from()}
	ours, err := d.Decode(in, v.version())
	require.NoError(t, err)
	require.Equal(t, want, normal(fieldsOfOurs(v, ours)))
	out := ours.AppendTo(nil, v.version())
	if again, err := decode(out); err != nil {
		complain(readsOurs, "%x: %v", start(out), err)
	} else if got := normal(again.fields(v)); !reflect.DeepEqual(want, got) {
		complain(readsOurs, "%x: %v, not %v", start(out), got, want)
	}

	if theirs == nil {
		return wrong, texts
	}
	out, err = theirs.encode()
	require.NoError(t, err)
	if ours, err = d.Decode(out, v.version()); err != nil {
		complain(writes, "%x: %v", start(out), err)
	} else if got := normal(fieldsOfOurs(v, ours)); !reflect.DeepEqual(want, got) {
		complain(writes, "%x: %v, not %v", start(out), got, want)
	}
	return wrong, texts
}

// start keeps complaints short.
func start(b []byte) []byte { return b[:min(len(b), 100)] }

// A panicError is a panic of a codec.
type panicError struct{ value any }

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// caught turns a panic of a codec into an error.
func caught(err *error) {
	if value := recover(); value != nil {
		*err = &panicError{value}
	}
}

// leftOver finds octets of a packet that the reader did not take.
func leftOver(r *bytes.Reader) error {
	if r.Len() > 0 {
		return fmt.Errorf("%d octets left over", r.Len())
	}
	return nil
}

// TestPahoMalformed counts how many of the malformed packets paho refuses too.
// It need not: what it lets pass may be refused elsewhere in a client.
func TestPahoMalformed(t *testing.T) {
	for _, peer := range []struct {
		name    string
		decode  decoder
		version string // begins so
	}{
		{"v3", decodeV3, "3"},
		{"v5", decodeV5, "5"},
	} {
		t.Run(peer.name, func(t *testing.T) {
			given, refused, large := 0, 0, 0
			for _, v := range loadVectors(t) {
				if v.Valid || !strings.HasPrefix(v.Version, peer.version) {
					continue
				}
				in := v.octets(t)
				if claimed(in) > maxRepeat { // paho would make room for up to 4 GiB
					large++
					continue
				}
				given++
				_, err := peer.decode(in)
				if err != nil {
					refused++
				}
				var p *panicError
				if errors.As(err, &p) {
					t.Logf("%s: %v", v.ID, p)
				}
			}
			t.Logf("refused %d of %d, not given %d", refused, given, large)
			require.NotZero(t, given)
		})
	}
}

// claimed is the Remaining Length, whatever the number of its octets.
func claimed(packet []byte) (n int) {
	for i := 1; i < len(packet) && i < 8; i++ {
		n |= int(packet[i]&0x7f) << (7 * (i - 1))
		if packet[i] < 0x80 {
			break
		}
	}
	return n
}
