package dump

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
)

func hexOf(b []byte) string { return hex.EncodeToString(b) }

func TestHexForms(t *testing.T) {
	for _, text := range []string{
		"c000d000", "C000 D000", "c0:00:d0:00", "0xc0 0x00, 0xD0 0x00", `\xc0\x00\xd0\x00`, "c0-00\n d0\t00", "0xc000d000",
	} {
		out, faults := dumpHex(t, Options{Protocol: MQTT}, text)
		require.Equal(t, "MQTT 3.1.1? PINGREQ\nMQTT 3.1.1? PINGRESP\n", out, text)
		require.Zero(t, faults)
	}
}

func TestNoHex(t *testing.T) {
	for text, want := range map[string]string{
		"30 0z":                 `"30 0z" is no hex: 'z' is no digit; give octets like 30 05 or 0x3005`,
		"300":                   `"300" is no hex: a digit is missing, an octet is two`,
		"":                      "no octets were given; give hex like 30 05 00 01 61 68 69",
		strings.Repeat("x", 90): `"` + strings.Repeat("x", 40) + `"... is no hex: 'x' is no digit; give octets like 30 05 or 0x3005`,
	} {
		require.EqualError(t, New(nil, Options{}).Hex(text), want)
	}
}

func TestLines(t *testing.T) {
	var out bytes.Buffer
	d := New(&out, Options{})
	err := d.Read(strings.NewReader("# a ping\n\nc000 # of MQTT\r\n0216\nnonsense\nc000\n"))
	require.EqualError(t, err, `line 5: "nonsense" is no hex: 'n' is no digit; give octets like 30 05 or 0x3005`)
	require.Equal(t, "MQTT (guessed) 3.1.1? PINGREQ\nMQTT-SN (guessed) 1.2 PINGREQ client_id=\"\"\n", out.String())
	require.Equal(t, 2, d.Packets())
}

func TestGuess(t *testing.T) {
	for text, want := range map[string]Protocol{
		"c000":                 MQTT,
		"c000d000":             MQTT,
		"0216":                 MQTTSN,
		"021600":               MQTTSN, // padded, and no packet of MQTT begins with 0x02
		"04fe00070216":         MQTTSN,
		"01000516ff":           MQTTSN,
		"300500":               MQTT, // cut short
		"01":                   MQTTSN,
		"00":                   MQTTSN,
		"180000":               MQTT,
		"300700036c616d706f6e": MQTT, // and a rest
		// SUBSCRIBE to a name of 15 octets, or CONNECT with reserved flags.
		"1412000001" + hexOf([]byte("sensors/kitchen")): MQTTSN,
		// PUBLISH of 48 octets, or two packets of MQTT.
		"300c000161" + hexOf([]byte("123456789")) + "3020000162" + hexOf([]byte("1234567890123456789012345678901")[:29]): MQTT,
	} {
		d := New(nil, Options{})
		b, err := parseHex(text)
		require.NoError(t, err)
		require.Equal(t, want, d.guess(b), text)
	}
}

func TestVersion(t *testing.T) {
	connect := (&mqtt.Connect{Version: mqtt.V5, ClientID: []byte("c")}).AppendTo(nil, 0)
	bad := append([]byte(nil), connect...)
	bad[9] = 1 // a reserved connect flag
	only5 := (&mqtt.Puback{PacketID: 7, Code: mqtt.NotAuthorized}).AppendTo(nil, mqtt.V5)
	both := "40020007"
	for _, tt := range []struct {
		name, in string
		given    mqtt.Version
		want     []string
	}{
		{"assumed", both, 0, []string{"3.1.1? PUBACK id=7"}},
		{"given", both, mqtt.V5, []string{"5.0 PUBACK id=7 code=0x00 (success)"}},
		{"by CONNECT", hexOf(connect) + both, 0, []string{"5.0 CONNECT ", "5.0 PUBACK "}},
		{"by CONNECT, not as given", hexOf(connect) + both, mqtt.V31, []string{"5.0 CONNECT ", "5.0 PUBACK "}},
		{"by a malformed CONNECT", hexOf(bad) + both, 0, []string{"5.0 CONNECT malformed at octet 9: connect flags: reserved", "5.0 PUBACK "}},
		{"by what only 5.0 allows", both + hexOf(only5) + both, 0, []string{"3.1.1? PUBACK", "5.0? PUBACK id=7 code=0x87 (not authorized)", "5.0? PUBACK id=7 code=0x00"}},
		{"malformed in both", "30040002c328", 0, []string{"3.1.1? PUBLISH malformed at octet 2: topic: not a UTF-8 string"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, _ := dumpHex(t, Options{Protocol: MQTT, Version: tt.given}, tt.in)
			lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
			require.Len(t, lines, len(tt.want))
			for i, want := range tt.want {
				require.True(t, strings.HasPrefix(lines[i], "MQTT "+want), lines[i])
			}
		})
	}
}

func TestFaults(t *testing.T) {
	for in, want := range map[string]string{
		"c000 00ff":                  "MQTT 3.1.1? malformed at octet 0: packet type: reserved; what follows it cannot be told apart hex=00ff",
		"30ffffffff7f":               "remaining length: malformed packet; what follows it cannot be told apart hex=30ffffffff7f",
		"300500":                     "MQTT 3.1.1? PUBLISH malformed at octet 3: cut short: 3 of 7 octets hex=300500",
		"3006 0001 61 ff 62 63 c000": "MQTT 3.1.1? PINGREQ",
	} {
		out, _ := dumpHex(t, Options{Protocol: MQTT}, in)
		require.Contains(t, out, want)
	}
	for in, want := range map[string]string{
		"021600aa":          `MQTT-SN 1.2 PINGREQ client_id="" surplus=2:0x00aa`,
		"0302":              "MQTT-SN 1.2 malformed at octet 0: length: length mismatch hex=0302",
		"080c00000000 0168": "PUBLISH id=1",
		"04fe0007 0305":     "MQTT-SN 1.2 via node 07 radius 0: malformed at octet 4: length: length mismatch hex=04fe00070305",
	} {
		out, _ := dumpHex(t, Options{Protocol: MQTTSN}, in)
		require.Contains(t, out, want)
	}
}
