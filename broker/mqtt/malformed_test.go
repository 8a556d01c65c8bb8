package mqtt

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// behaviour names the malformed vectors that the codec lets pass, because more
// than the packet is needed to refuse them, and why. A key that ends in a star
// stands for all ids that begin so.
var behaviour = map[string]string{
	"bad311-connect-empty-id-noclean": "the session answers CONNACK 2: well formed, and a setting may allow it",
	"bad31-connect-empty":             "the session answers CONNACK 2: well formed",
	"bad31-connect-24":                "the session answers CONNACK 2 under its strict setting",
	"bad311-connect-twice":            "the second CONNECT is well formed: only the connection knows of the first",
	"bad5-connect-twice":              "the second CONNECT is well formed: only the connection knows of the first",
	"bad311-subscribe-filter-hash-*":  "syntax of filters: SUBACK 0x80 for one filter, the rest is served",
	"bad311-subscribe-filter-plus-*":  "syntax of filters: SUBACK 0x80 for one filter, the rest is served",
	"bad311-subscribe-filter-empty":   "syntax of filters: SUBACK 0x80 for one filter, the rest is served",
	"bad5-subscribe-filter-hash-*":    "syntax of filters: SUBACK 0x8F for one filter, the rest is served",
	"bad5-subscribe-filter-plus-*":    "syntax of filters: SUBACK 0x8F for one filter, the rest is served",
	"bad5-subscribe-filter-empty":     "syntax of filters: SUBACK 0x8F for one filter, the rest is served",
	"bad5-subscribe-filter-share-*":   "syntax of shared filters: SUBACK 0x8F for one filter, the rest is served",
	"bad5-publish-alias-65535":        "the connection knows the Topic Alias Maximum that it offered",
	"bad5-publish-alias-unknown":      "the connection knows which aliases are set",
	"bad5-disconnect-expiry-from-0":   "the session knows the expiry of its CONNECT",
	"bad5-auth-unasked":               "the connection knows whether CONNECT named a method",
}

func isBehaviour(id string) (key string, ok bool) {
	for key := range behaviour {
		if prefix, star := strings.CutSuffix(key, "*"); id == key || star && strings.HasPrefix(id, prefix) {
			return key, true
		}
	}
	return "", false
}

// decodeStream does what a connection does with octets: measure, then decode.
func decodeStream(d *Decoder, b []byte, v Version) (Packet, error) {
	total, err := Frame(b, 0)
	if err != nil {
		return nil, err
	}
	if total == 0 {
		return nil, nil // waits for more
	}
	return d.Decode(b[:total], v)
}

func TestMalformedVectors(t *testing.T) {
	used := map[string]bool{}
	refused, passed := 0, 0
	for _, v := range loadTables(t).Vectors {
		if v.Valid {
			continue
		}
		t.Run(v.ID, func(t *testing.T) {
			version := v.version()
			if v.Context == "first-packet" {
				version = 0
			}
			in := unhex(t, v.Hex)
			d := Decoder{From: FromClient}
			p, err := decodeStream(&d, in, version)
			if key, ok := isBehaviour(v.ID); ok {
				used[key] = true
				passed++
				require.NoError(t, err, "not a matter of behaviour: %s", behaviour[key])
				require.NotNil(t, p)
				t.Logf("note: %s", behaviour[key])
				return
			}
			refused++
			var e *Error
			require.ErrorAs(t, err, &e)
			require.Nil(t, p)
			require.True(t, v.Expect.Close)
			checkAnswer(t, &v, e, in)
		})
	}
	require.Equal(t, 249, refused+passed)
	require.Len(t, used, len(behaviour), "a reason without a vector")
}

// checkAnswer compares with the first reaction of the vector, the one that
// this project chose.
func checkAnswer(t *testing.T, v *vector, e *Error, in []byte) {
	switch {
	case v.Expect.Reply == "": // close only; a code is at hand but not sent
	case v.Expect.Reply == "CONNACK" && e.Err == ErrProtocolLevel:
		want := "0x01"
		if AnswerVersion(in) == V5 {
			want = fmt.Sprintf("%#02x", byte(e.Code))
		}
		require.Equal(t, v.Expect.Code, want)
	default:
		require.Equal(t, v.Expect.Code, fmt.Sprintf("%#02x", byte(e.Code)), "%v; also accepted: %v", e, v.Expect.AlsoAccepted)
		if v.Expect.Reply == "CONNACK" {
			require.Equal(t, v.version(), AnswerVersion(in))
		}
	}
	class := map[ReasonCode]error{
		MalformedPacket: ErrMalformed, ProtocolError: ErrProtocol, TopicAliasInvalid: ErrProtocol,
	}[e.Code]
	if class != nil {
		require.ErrorIs(t, e, class)
	}
	require.True(t, strings.HasPrefix(e.Error(), "mqtt: "), e.Error())
}
