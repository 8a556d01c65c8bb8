package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// ring is a capture of one frame of raw IP: 192.0.2.1:7000 > 192.0.2.2:1884,
// PINGREQ.
const ring = "\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x65\x00\x00\x00" +
	"\x01\x00\x00\x00\x00\x00\x00\x00\x1e\x00\x00\x00\x1e\x00\x00\x00" +
	"\x45\x00\x00\x1e\x00\x00\x00\x00\x40\x11\x00\x00\xc0\x00\x02\x01\xc0\x00\x02\x02" +
	"\x1b\x58\x07\x5c\x00\x0a\x00\x00\x02\x16"

const rang = `0.000000 192.0.2.1:7000 > 192.0.2.2:1884 MQTT-SN 1.2 PINGREQ client_id=""` + "\n"

func TestDump(t *testing.T) {
	dir := t.TempDir()
	file, cut := filepath.Join(dir, "ring.pcap"), filepath.Join(dir, "cut.pcap")
	require.NoError(t, os.WriteFile(file, []byte(ring), 0o600))
	require.NoError(t, os.WriteFile(cut, []byte(ring+ring[24:60]), 0o600))
	for _, tt := range []struct {
		args, stdin string
		code        int
		out, errs   string
	}{
		{"c000 0216", "", 0, "MQTT (guessed) 3.1.1? PINGREQ\nMQTT-SN (guessed) 1.2 PINGREQ client_id=\"\"\n", ""},
		{"--mqtt c0:00", "", 0, "MQTT 3.1.1? PINGREQ\n", ""},
		{"--mqttsn 0x0216", "", 0, "MQTT-SN 1.2 PINGREQ client_id=\"\"\n", ""},
		{"--mqtt --mqtt-version 5 40020001", "", 0, "MQTT 5.0 PUBACK id=1 code=0x00 (success)\n", ""},
		{"--json --mqtt c000", "", 0, `{"protocol":"MQTT","version":"3.1.1","version_assumed":true,"packet":"PINGREQ","fields":{}}` + "\n", ""},
		{"", "c000 # ping\n", 0, "MQTT (guessed) 3.1.1? PINGREQ\n", ""},
		{"c000 - d000", "c000", 0, "MQTT (guessed) 3.1.1? PINGREQ\nMQTT (guessed) 3.1.1? PINGREQ\nMQTT (guessed) 3.1.1? PINGRESP\n", ""},
		{"-r " + file, "", 0, rang, ""},
		{"-r - c000", ring, 0, rang + "MQTT (guessed) 3.1.1? PINGREQ\n", ""},
		{"", ring, 0, rang, ""},
		{"--mqttsn-port 5 -r " + file, "", 0, "", "dormouse: no packets were found; captures are searched on the ports of --mqtt-port and --mqttsn-port\n"},
		{"--mqttsn-port 5,7000 -r " + file, "", 0, rang, ""},
		{"--mqtt 3003ff", "", 1, "MQTT 3.1.1? PUBLISH malformed at octet 3: cut short: 3 of 5 octets hex=3003ff\n", ""},
		{"-r " + cut, "", 1, rang, "dormouse: " + cut + ": the capture is damaged or cut after frame 1: unexpected EOF\n"},
		{"-r " + dir + "/none", "", 1, "", "dormouse: " + dir + "/none: no such file or directory\n"},
		{"", "zz", 1, "", `dormouse: standard input: line 1: "zz" is no hex: 'z' is no digit; give octets like 30 05 or 0x3005` + "\n"},
		{"300", "", 2, "", `dormouse: "300" is no hex: a digit is missing, an octet is two; see dormouse dump --help` + "\n"},
		{"--mqtt --mqttsn c0", "", 2, "", "dormouse: --mqtt and --mqttsn exclude each other; leave one out; see dormouse dump --help\n"},
		{"--mqtt-version 4 c0", "", 2, "", `dormouse: --mqtt-version is "4"; use 3.1, 3.1.1 or 5.0; see dormouse dump --help` + "\n"},
		{"--mqtt-port 70000 c0", "", 2, "", "dormouse: --mqtt-port is 70000; use 1 to 65535; see dormouse dump --help\n"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			code, out, errs := dormouse(t, strings.NewReader(tt.stdin), append([]string{"dump"}, strings.Fields(tt.args)...)...)
			require.Equal(t, tt.code, code, errs)
			require.Equal(t, tt.out, out)
			require.Equal(t, tt.errs, errs)
		})
	}
}

func TestDumpWaitsForNobody(t *testing.T) {
	null, err := os.Open(os.DevNull) // a character device, as a terminal is
	require.NoError(t, err)
	defer null.Close()
	code, _, errs := dormouse(t, null, "dump")
	require.Equal(t, 2, code)
	require.Contains(t, errs, "there is nothing to decode; give hex, a capture with -r, or either on standard input")
}

func TestDumpHelp(t *testing.T) {
	code, out, _ := dormouse(t, nil, "dump", "--help")
	require.Equal(t, 0, code)
	require.Contains(t, out, "Examples:")
	require.Contains(t, out, "-r, --pcap")
}
