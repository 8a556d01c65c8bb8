package config

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseListener(t *testing.T) {
	for _, tt := range []struct {
		url, scheme, address string
	}{
		{"mqtt://", "mqtt", ":1883"},
		{"mqttsn://", "mqttsn", ":1884"},
		{"mqtt://:0", "mqtt", ":0"},
		{"MQTT://localhost/", "mqtt", "localhost:1883"},
		{"mqttsn://[fe80::1%25eth0]:9", "mqttsn", "[fe80::1%eth0]:9"},
		{"mqttsn://0.0.0.0", "mqttsn", "0.0.0.0:1884"},
		{"slip:///dev/ttyUSB0", "slip", "/dev/ttyUSB0"},
		{"slip:/dev/ttyACM%231", "slip", "/dev/ttyACM#1"},
	} {
		l, err := parseListener(setting{value: tt.url}, nil)
		require.NoError(t, err, tt.url)
		require.Equal(t, [2]string{tt.scheme, tt.address}, [2]string{l.Scheme, l.Address}, tt.url)
	}
}

func TestListenerDefaults(t *testing.T) {
	l, err := parseListener(setting{value: "slip:///dev/ttyUSB0"}, nil)
	require.NoError(t, err)
	require.Equal(t, &Listener{
		URL: "slip:///dev/ttyUSB0", Scheme: "slip", Address: "/dev/ttyUSB0", Anonymous: "loopback",
		MaxClients: 10_000, MaxPacket: 1 << 20, Retry: 10 * time.Second, Retries: 3, AwakeRetry: time.Second,
		GwID: 1, Forwarders: "any", Roam: "same-ip", Baud: 115_200,
	}, l)
}

func TestListenerErrors(t *testing.T) {
	for _, tt := range []struct{ url, want string }{
		{"mqtt:1884", `"mqtt:1884" lacks the slashes; write it like mqtt://:1883`},
		{"mqtt://u:secret@:1", `"mqtt://u:xxxxx@:1" has a user name, which listeners have not`},
		{"mqtt://:1#x", `"mqtt://:1#x" has a # in it; write %23 if it belongs to a name, or leave out what follows`},
		{"mqtt://:1/mqtt", `"mqtt://:1/mqtt" has a path, which mqtt listeners have not`},
		{"mqtt://*:1883", `"mqtt://*:1883": the host is "*"; leave it empty for all addresses`},
		{"mqtt://::1:5", `"mqtt://::1:5": write an IPv6 address in brackets, like mqtt://[::1]:1883`},
		{"mqttsn://]", `"mqttsn://]": the host is "]"; use a name, an address or nothing`},
		{"mqtt://:65536", `"mqtt://:65536": the port is "65536"; use 0 to 65535`},
		{"slip:///", `"slip:///" names no device; write it like slip:///dev/ttyUSB0`},
		{"slip://ttyUSB0", `"slip://ttyUSB0" names no device; write it like slip:///dev/ttyUSB0`},
		{"sn+serial:///dev/ttyS0", `listener scheme "sn+serial" is not available in this version; available are mqtt, mqttsn, slip`},
		{"tcp://:1883", `unknown listener scheme "tcp"; known are mqtt, mqttsn, slip`},
		{"mqttns://:1", `unknown listener scheme "mqttns"; did you mean "mqttsn"?`},
		{"mqtt://:1?max-clinets=3", `unknown option "max-clinets"; did you mean "max-clients"?`},
		{"mqtt://:1?retrys=3s", `unknown option "retrys"; known are anonymous, max-clients, max-packet`},
		{"mqtt://:1?retry=3s", `option "retry" is not one of mqtt listeners, but of mqttsn, slip`},
		{"mqttsn://:1?advertise=0", `option "advertise" is not available in this version; leave it out`},
		{"mqtt://:1?max-queued=3", `option "max-queued" belongs to the whole server; write it at the top of the file, or as --max-queued`},
		{"mqtt://:1?anonymous=on&anonymous=off", `option "anonymous" is given twice`},
		{"mqttsn://:1?retry=1", `retry is "1"; use a duration from 100ms to 1h0m0s, such as 10s`},
		{"mqttsn://:1?gw-id=256", `gw-id is "256"; use a number from 0 to 255`},
		{"slip:///dev/a?rtscts=yes", `rtscts is "yes"; use on or off`},
		{"mqtt://:1?max-packet=1MB", `max-packet is "1MB"; use a number of octets (KiB, MiB and GiB are understood) from 128 to 268435460`},
	} {
		_, err := parseListener(setting{value: tt.url}, nil)
		require.EqualError(t, err, tt.want, tt.url)
	}
}

// What is heavier wins; what weighs the same and contradicts is a mistake.
func TestOptionInURLAndBesideIt(t *testing.T) {
	beside := func(w weight) map[string]setting {
		return map[string]setting{"max-clients": {value: "2", where: "there", weight: w}}
	}
	for _, tt := range []struct {
		name        string
		url, beside weight
		want        int
	}{
		{"environment over file", inFile, inEnvironment, 2},
		{"url of the environment over file", inEnvironment, inFile, 1},
		{"both in the file", inFile, inFile, 0},
		{"both in the environment", inEnvironment, inEnvironment, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := parseListener(setting{value: "mqtt://:1?max-clients=1", weight: tt.url}, beside(tt.beside))
			if tt.want == 0 {
				require.EqualError(t, err, `there: option "max-clients" is given twice: here and in the url; leave out one`)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, l.MaxClients)
		})
	}
}

func FuzzParseListener(f *testing.F) {
	for _, s := range []string{
		"mqtt://:1883", "mqttsn://[::1]:0?retry=2s&gw-id=7&roam=any", "slip:///dev/ttyUSB0?baud=9600&rtscts=on",
		"mqtt:1883", "mqtt://u:p@:1#x", "xbee:///dev/ttyUSB0", "mqtt://:1?max-packet=-18014398509481983KiB", "://", "mqtt://%zz", "mqttsn://]",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l, err := parseListener(setting{value: s}, nil)
		if err != nil {
			require.False(t, strings.ContainsAny(err.Error(), "\r\n"), "%q", err)
			return
		}
		require.Contains(t, Schemes, l.Scheme)
		require.GreaterOrEqual(t, l.MaxPacket, 128)
		if l.Scheme != "slip" {
			_, _, err := net.SplitHostPort(l.Address)
			require.NoError(t, err)
		}
	})
}
