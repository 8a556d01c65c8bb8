package mqttsn

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOffset(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     int
	}{
		{"no type", "\x02", 1},
		{"long form cut short", "\x01\x00", 2},
		{"length too small", "\x00\x0c", 0},
		{"long length too small", "\x01\x00\x03\x0c", 1},
		{"length beyond the datagram", "\x09\x0c\x00\x00\x01", 0},
		{"long length beyond the datagram", "\x01\x00\x09\x0c\x00", 1},
		{"reserved type", "\x02\x03", 1},
		{"reserved type in the long form", "\x01\x00\x04\x03", 3},
		{"body too short", "\x04\x0b\x00\x01", 4},
		{"body too short before surplus", "\x04\x0b\x00\x01\xff\xff", 4},
		{"body too long", "\x09\x0b\x00\x01\x00\x02\x00\xaa\xbb", 7},
		{"protocol id", "\x07\x04\x00\x02\x00\x0aa", 3},
		{"client id", "\x09\x04\x00\x01\x00\x0aab\x00", 8},
		{"no topic name", "\x06\x0a\x00\x00\x00\x01", 6},
		{"wildcard", "\x09\x0a\x00\x00\x00\x01a/+", 8},
		{"not UTF-8", "\x09\x0a\x00\x00\x00\x01a\xc3\xff", 7},
		{"topic id type", "\x07\x0c\x03\x00\x01\x00\x01", 2},
		{"topic id", "\x07\x0c\x01\x00\x00\x00\x01", 3},
		{"filter", "\x08\x12\x00\x00\x01a#b", 5},
		{"subscribe by an id of three octets", "\x08\x12\x01\x00\x01\x00\x01\x02", 7},
		{"no node id", "\x03\xfe\x00\x02\x16", 3},
		{"nothing in the encapsulation", "\x04\xfe\x00\x07", 4},
		{"nested", "\x04\xfe\x00\x07\x04\xfe\x00\x08\x02\x16", 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var d Decoder
			in := []byte(tt.in)
			p, _, err := d.Decode(in)
			if err == nil {
				err = Check(p)
			}
			require.Error(t, err)
			require.Equal(t, tt.want, Offset(in, err), "%v", err)
		})
	}
	require.Zero(t, Offset(nil, errors.New("another")))
}

// TestOffsetKnowsEveryBody: the first octet that is too many is told.
func TestOffsetKnowsEveryBody(t *testing.T) {
	for _, p := range packets {
		var d Decoder
		in := p.AppendTo(nil)
		in = append(in, 0xee)
		in[0]++
		if _, _, err := d.Decode(in); ClassOf(err) == BodyTooLong {
			require.Equal(t, len(in)-1, Offset(in, err), p.Type())
		}
	}
}

// TestOffsetStaysInside: of no vector is the offset beyond its end.
func TestOffsetStaysInside(t *testing.T) {
	for _, v := range loadVectors(t) {
		in := v.octets(t)
		var d Decoder
		p, _, err := d.Decode(in)
		if err == nil {
			err = Check(p)
		}
		require.LessOrEqual(t, Offset(in, err), len(in), v.ID)
	}
}
