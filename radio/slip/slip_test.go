package slip

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func frames(d *Decoder, octets []byte) (all []string) {
	for {
		frame, rest := d.Next(octets)
		if frame == nil {
			return all
		}
		all = append(all, string(frame))
		octets = rest
	}
}

func TestFrame(t *testing.T) {
	want := []byte{0xC0, 1, 0xDB, 0xDC, 0xDB, 0xDD, 2, 0xC0}
	require.Equal(t, want, AppendFrame(nil, []byte{1, 0xC0, 0xDB, 2}))
}

func TestDecode(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     []string
		stats    Stats
	}{
		{"a frame", "\xc0ab\xc0", []string{"ab"}, Stats{Frames: 1}},
		{"empty frames are nothing", "\xc0\xc0\xc0a\xc0\xc0", []string{"a"}, Stats{Frames: 1}},
		{"escapes", "\xdb\xdc\xdb\xdd\xc0", []string{"\xc0\xdb"}, Stats{Frames: 1}},
		{"a bad escape drops up to END", "a\xdbb\xdb\xdcc\xc0d\xc0", []string{"d"}, Stats{Frames: 1, BadEscape: 1}},
		{"an escape cut by END", "a\xdb\xc0d\xc0", []string{"d"}, Stats{Frames: 1, BadEscape: 1}},
		{"too long", "123456\xc0ok\xc0", []string{"ok"}, Stats{Frames: 1, TooLong: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			whole, single := NewDecoder(5), NewDecoder(5)
			require.Equal(t, tt.want, frames(whole, []byte(tt.in)))
			require.Equal(t, tt.stats, whole.Stats())
			var got []string
			for i := range len(tt.in) {
				got = append(got, frames(single, []byte(tt.in[i:i+1]))...)
			}
			require.Equal(t, tt.want, got, "octet by octet")
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("\xc0ab\xc0"), []byte{1, 0xC0, 0xDB, 2})
	f.Fuzz(func(t *testing.T, noise, message []byte) {
		if len(message) == 0 {
			return
		}
		d := NewDecoder(max(1, len(message)))
		for range frames(d, noise) {
		}
		// Whatever came before, a frame that follows is found.
		got := frames(d, AppendFrame(nil, message))
		require.NotEmpty(t, got)
		require.True(t, bytes.Equal(message, []byte(got[len(got)-1])))
	})
}
