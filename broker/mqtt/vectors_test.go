package mqtt

import (
	"bytes"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

//go:embed testdata/mqtt-vectors.json
var vectorFile []byte

// A vector is one packet of testdata/mqtt-vectors.json.
type vector struct {
	ID        string
	Version   string
	Packet    string
	Dir       string
	Valid     bool
	Canonical *bool
	Hex       string
	HexPrefix string `json:"hex_prefix"`
	RepeatHex string `json:"then_repeat_hex"`
	Repeat    int    `json:"repeat_count"`
	Fields    map[string]any
	Context   string
	Setup     []string
	Expect    reaction
}

type reaction struct {
	Close        bool
	Reply        string
	Code         string
	AlsoAccepted []string `json:"also_accepted"`
	Or           []reaction
}

type tables struct {
	Vectors []vector
	UTF8    []struct {
		Hex        string
		Note       string
		WellFormed bool `json:"well_formed"`
	}
	Varint struct {
		Valid, Invalid []struct {
			Value uint32
			Hex   string
			Note  string
		}
	} `json:"variable_byte_integer"`
}

func loadTables(t testing.TB) (all tables) {
	t.Helper()
	require.NoError(t, json.Unmarshal(vectorFile, &all))
	require.NotEmpty(t, all.Vectors)
	return all
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

// octets are those of the packet; nil for the one that is too large to build.
func (v *vector) octets(t testing.TB) []byte {
	if v.Repeat > 10_000_000 {
		return nil
	}
	return append(unhex(t, v.Hex+v.HexPrefix), bytes.Repeat(unhex(t, v.RepeatHex), v.Repeat)...)
}

func (v *vector) version() Version {
	return map[string]Version{"3.1": V31, "3.1.1": V311, "5.0": V5}[v.Version]
}

func (v *vector) from() Sender {
	return map[string]Sender{"c2s": FromClient, "s2c": FromServer, "both": FromAnyone}[v.Dir]
}

// TestValidVectors decodes each valid packet field by field, and encodes what
// came out alike.
func TestValidVectors(t *testing.T) {
	n := 0
	for _, v := range loadTables(t).Vectors {
		if !v.Valid {
			continue
		}
		n++
		t.Run(v.ID, func(t *testing.T) {
			in := v.octets(t)
			if in == nil { // 268,435,460 octets: the header alone
				head := unhex(t, v.HexPrefix)
				total, err := FrameSize(head, 0)
				require.NoError(t, err)
				require.Equal(t, 5+MaxRemainingLength, total)
				_, err = FrameSize(head, total-1)
				require.ErrorIs(t, err, ErrPacketTooLarge)
				return
			}
			total, err := Frame(in, len(in))
			require.NoError(t, err)
			require.Equal(t, len(in), total)

			d := Decoder{From: v.from()}
			p, err := d.Decode(in, v.version())
			require.NoError(t, err)
			require.Equal(t, v.Packet, p.Type().String())
			want := v.Fields
			form, _ := want["wire_form"].(string)
			delete(want, "wire_form")
			require.Equal(t, normal(t, want), normal(t, fieldsOf(p, v.version(), want)))

			out := p.AppendTo(nil, v.version())
			if bytes.Equal(in, out) {
				return
			}
			// Ours is the shortest form; these are longer ones of the same.
			longer := form == "code" || form == "full"
			require.True(t, longer || v.Canonical != nil && !*v.Canonical, "encoded as %x", out)
			require.LessOrEqual(t, len(out), len(in))
			e := Decoder{From: v.from()}
			q, err := e.Decode(out, v.version())
			require.NoError(t, err)
			require.Equal(t, p, q)
		})
	}
	require.Equal(t, 243, n)
}
