package mqttsn

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// A vector is one packet of testdata/vectors-1.2.json, which says itself how to
// read it.
type vector struct {
	ID      string
	Verdict string
	Type    string
	Hex     string
	Prefix  string `json:"hex_prefix"`
	Fill    string `json:"fill_hex"`
	Count   int    `json:"fill_count"`
	Fields  map[string]any
	Error   string
}

// A policy is our reading of a vector that the specification leaves open.
type policy struct {
	refused DropClass
	surplus int
	why     string
}

var policies = map[string]policy{
	"bad-10":        {surplus: 1, why: "radios pad (P11)"},
	"connect-09":    {why: "the session knows whether the link names the peer (C5)"},
	"connect-10":    {why: "up to 255 octets (C5)"},
	"connect-11":    {refused: BadProtocolID, why: "another protocol id is another protocol (C6)"},
	"disconnect-04": {why: "a plain DISCONNECT to the session (C12)"},
	"encap-05":      {refused: EmptyNodeID, why: "nobody to answer (P16)"},
	"encap-07":      {refused: NestedForward, why: "a chain of forwarders is not described (P16)"},
	"publish-21":    {refused: NULInString, why: "short means two octets of a legal name (T12)"},
	"publish-22":    {refused: NormalTopicQoSMinus1, why: "nobody can have registered the id (P1)"},
	"publish-26":    {why: "message id 0 is accepted and echoed (P3)"},
	"publish-28":    {why: "Paho announces two octets too few (P11)"},
	"subscribe-12":  {refused: BadQoS, why: "QoS -1 is of publishing alone (T14)"},
	"willtopic-05":  {refused: EmptyWillTopic, why: "never a will on the topic of no octets"},
}

// encodedOtherwise are the vectors that a sender of ours would send otherwise:
// how_to_read.encode lists them, connect-13 and those of the long form.
var encodedOtherwise = map[string]string{
	"bad-10":     "0217",
	"connect-07": "0d040401003c636c69656e7431",
	"connect-13": "0d040401003c636c69656e7431",
	"pingreq-03": "0216",
	"pubrec-02":  "040f0008",
	"publish-17": "fe0c0000050000", // and the data
	"publish-28": "ff0c0000050000", // and the data
}

func TestVectors(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range loadVectors(t) {
		seen[v.ID] = true
		t.Run(v.ID, func(t *testing.T) {
			switch v.Verdict {
			case "accept":
				v.wantAccepted(t, 0)
			case "reject":
				v.wantRefused(t, v.Error)
			case "policy":
				p, known := policies[v.ID]
				require.True(t, known, "no reading")
				t.Logf("note: %s", p.why)
				if p.refused == NoDrop {
					v.wantAccepted(t, p.surplus)
				} else {
					v.wantRefused(t, p.refused.String())
				}
			default:
				t.Fatalf("verdict %q", v.Verdict)
			}
		})
	}
	for id := range policies {
		require.True(t, seen[id], "no vector %s", id)
	}
}

func (v *vector) wantAccepted(t *testing.T, surplus int) {
	in := v.octets(t)
	var d Decoder
	p, n, err := d.Decode(in)
	require.NoError(t, err)
	require.NoError(t, Check(p))
	require.Equal(t, surplus, n)
	require.Equal(t, v.ID == "publish-28", d.Stretched())
	require.Equal(t, v.Type, p.Type().String())
	require.Equal(t, v.want(t), fieldsOf(p))

	out := p.AppendTo(nil)
	if start, ok := encodedOtherwise[v.ID]; ok {
		want := unhex(t, start)
		if p, ok := p.(*Publish); ok {
			want = append(want, p.Data...)
		}
		require.Equal(t, want, out)
		return
	}
	require.True(t, bytes.Equal(in, out), "encodes as %x", out)
}

// wantRefused wants the class from Decode or from Check. What Check refuses
// still has all its fields, for the answer.
func (v *vector) wantRefused(t *testing.T, class string) {
	var d Decoder
	p, _, err := d.Decode(v.octets(t))
	if err == nil {
		err = Check(p)
		require.ErrorIs(t, err, ErrInvalid)
		got := fieldsOf(p)
		for name, want := range v.want(t) {
			require.Equal(t, want, got[name], name)
		}
	} else {
		require.Nil(t, p)
		require.ErrorIs(t, err, ErrMalformed)
	}
	require.Equal(t, class, ClassOf(err).String())
}

func (v *vector) octets(t testing.TB) []byte {
	if v.Prefix == "" {
		return unhex(t, v.Hex)
	}
	return append(unhex(t, v.Prefix), bytes.Repeat(unhex(t, v.Fill), v.Count)...)
}

// want is v.Fields with a filled field written out.
func (v *vector) want(t *testing.T) map[string]any {
	for name, field := range v.Fields {
		if fill, ok := field.(map[string]any); ok {
			octets := bytes.Repeat(unhex(t, fill["fill_hex"].(string)), int(fill["fill_count"].(float64)))
			v.Fields[name] = hex.EncodeToString(octets)
		}
	}
	return v.Fields
}

func loadVectors(t testing.TB) []vector {
	text, err := os.ReadFile("testdata/vectors-1.2.json")
	require.NoError(t, err)
	var file struct {
		Count   int
		Vectors []vector
	}
	require.NoError(t, json.Unmarshal(text, &file))
	require.Len(t, file.Vectors, file.Count)
	return file.Vectors
}

func unhex(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}
