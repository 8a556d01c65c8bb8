package slip

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
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
		{"a frame", "\xc0ab\xc0", []string{"ab"}, Stats{Frames: 1, Empty: 1}},
		{"empty frames are nothing", "\xc0\xc0\xc0a\xc0\xc0", []string{"a"}, Stats{Frames: 1, Empty: 4}},
		{"escapes", "\xdb\xdc\xdb\xdd\xc0", []string{"\xc0\xdb"}, Stats{Frames: 1}},
		{"a bad escape drops up to END", "a\xdbb\xdb\xdcc\xc0d\xc0", []string{"d"}, Stats{Frames: 1, BadEscape: 1}},
		{"an escape cut by END", "a\xdb\xc0d\xc0", []string{"d"}, Stats{Frames: 1, BadEscape: 1}},
		{"as long as may be", "12\xdb\xdc45\xc0", []string{"12\xc045"}, Stats{Frames: 1}},
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
			require.Equal(t, tt.stats, single.Stats(), "octet by octet")
		})
	}
}

func TestResetForgetsAnUnfinishedFrame(t *testing.T) {
	d := NewDecoder(5)
	for _, half := range []string{"a", "a\xdb", "a\xdbb", "1234567"} {
		require.Empty(t, frames(d, []byte(half)))
		d.Reset()
		require.Equal(t, []string{"ok"}, frames(d, []byte("ok\xc0")), "after %q", half)
	}
}

// What is framed comes back, however the line cuts it.
func TestDecodeOfEncodeIsTheMessage(t *testing.T) {
	octet := rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte{end, esc, escEnd, escEsc}))
	rapid.Check(t, func(t *rapid.T) {
		messages := rapid.SliceOfN(rapid.SliceOfN(octet, 1, 50), 1, 5).Draw(t, "messages")
		var line []byte
		var want []string
		for _, m := range messages {
			line = AppendFrame(line, m)
			want = append(want, string(m))
		}
		d := NewDecoder(50)
		var got []string
		for len(line) > 0 {
			n := rapid.IntRange(1, len(line)).Draw(t, "cut")
			got = append(got, frames(d, line[:n])...)
			line = line[n:]
		}
		require.Equal(t, want, got)
	})
}

func TestNothingIsAllocated(t *testing.T) {
	message := bytes.Repeat([]byte{end, esc, 1}, 300)
	line := AppendFrame(nil, message)
	d := NewDecoder(1006)
	d.Next(line) // the first makes room
	require.Zero(t, testing.AllocsPerRun(100, func() {
		line = AppendFrame(line[:0], message)
		if frame, _ := d.Next(line); len(frame) != len(message) {
			t.Error("not decoded")
		}
	}))
}

func BenchmarkDecode(b *testing.B) {
	line := AppendFrame(nil, bytes.Repeat([]byte("0123456789abcde\xc0"), 60))
	d := NewDecoder(1006)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		d.Next(line)
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
