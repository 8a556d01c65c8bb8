package mqtt

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValidString(t *testing.T) {
	for _, row := range loadTables(t).UTF8 {
		t.Run(row.Note, func(t *testing.T) {
			in := unhex(t, row.Hex)
			require.Equal(t, row.WellFormed, ValidString(in))
			// The same behind ASCII that is taken eight octets at a time.
			for _, n := range []int{7, 8, 9, 16} {
				require.Equal(t, row.WellFormed, ValidString(append([]byte(strings.Repeat("a", n)), in...)))
			}
			discouraged := strings.Contains(row.Note, "SHOULD NOT") ||
				strings.Contains(row.Note, "non-character") || row.Note == "U+0080"
			require.Equal(t, row.WellFormed && !discouraged, StrictString(in))
		})
	}
}

// TestStrictString walks through all of ASCII and the borders beyond, at each
// place of a word of eight octets.
func TestStrictString(t *testing.T) {
	for c := range 0x80 {
		for at := range 8 {
			b := []byte("aaaaaaaaaaaa")
			b[at] = byte(c)
			require.Equal(t, c >= 0x20 && c != 0x7f, StrictString(b), "%#x at %d", c, at)
			require.Equal(t, c != 0, ValidString(b), "%#x at %d", c, at)
		}
	}
	for _, tt := range []struct {
		in   string
		want bool
	}{
		{"\u0080", false}, {"\u009f", false}, {"\u00a0", true},
		{"\ufdcf", true}, {"\ufdd0", false}, {"\ufdef", false}, {"\ufdf0", true},
		{"\ufffd", true}, {"\ufffe", false}, {"\uffff", false}, {"\ufeff", true},
		{"\U0001fffe", false}, {"\U0010ffff", false}, {"\U0001f600", true},
		{"é\n", false}, {"é\x7f", false}, {"é\x00", false},
	} {
		require.Equal(t, tt.want, StrictString([]byte(tt.in)), "%+q", tt.in)
	}
}

func TestVarint(t *testing.T) {
	tables := loadTables(t).Varint
	require.NotEmpty(t, tables.Valid)
	for _, row := range tables.Valid {
		t.Run(row.Hex, func(t *testing.T) {
			in := unhex(t, row.Hex)
			v, n := varint(in)
			require.Equal(t, row.Value, v)
			require.Equal(t, len(in), n)
			require.Equal(t, in, appendVarint(nil, row.Value))
			require.Equal(t, len(in), varintLen(row.Value))
			_, n = varint(in[:len(in)-1])
			require.Zero(t, n, "cut short")
		})
	}
	require.NotEmpty(t, tables.Invalid)
	for _, row := range tables.Invalid {
		t.Run(row.Hex, func(t *testing.T) {
			_, n := varint(unhex(t, row.Hex))
			require.Negative(t, n, row.Note)
		})
	}
}

func TestFrame(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		max      int
		total    int
		size     int
		err      error
	}{
		{"nothing yet", "", 0, 0, 0, nil},
		{"first octet", "\xc0", 0, 0, 0, nil},
		{"whole", "\xc0\x00", 0, 2, 2, nil},
		{"whole and more", "\xc0\x00\x30", 0, 2, 2, nil},
		{"body missing", "\x40\x02\x00", 0, 0, 4, nil},
		{"length missing", "\x30\x80", 0, 0, 0, nil},
		{"at the limit", "\x40\x02\x00\x01", 4, 4, 4, nil},
		{"above the limit, body missing", "\x40\x02", 3, 0, 0, ErrPacketTooLarge},
		{"largest", "\x30\xff\xff\xff\x7f", 0, 0, 268_435_460, nil},
		{"type 0", "\x00", 0, 0, 0, ErrMalformed},
		{"length too long", "\x30\xff\xff\xff\xff", 0, 0, 0, ErrMalformed},
		{"length not the shortest", "\xc0\x80\x00", 0, 0, 0, ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			total, err := Frame([]byte(tt.in), tt.max)
			require.ErrorIs(t, err, tt.err)
			require.Equal(t, tt.total, total)
			size, err := FrameSize([]byte(tt.in), tt.max)
			require.ErrorIs(t, err, tt.err)
			require.Equal(t, tt.size, size)
		})
	}
}

// TestReasonCodeNames: every code that a packet may carry has a name.
func TestReasonCodeNames(t *testing.T) {
	n := 0
	for c := range 256 {
		known := !strings.HasPrefix(ReasonCode(c).String(), "ReasonCode(")
		require.Equal(t, reasons[c].in != 0, known, "%#x", c)
		if known {
			n++
		}
	}
	require.Equal(t, 43, n)
	require.True(t, QuotaExceeded.Failed())
	require.False(t, GrantedQoS2.Failed())
	require.Equal(t, "not authorized", ConnNotAuthorized.String())
	require.Equal(t, "PUBREL", TypePubrel.String())
	require.Equal(t, "3.1.1", V311.String())
}
