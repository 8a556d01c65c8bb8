package dump

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
)

const (
	sensor = "192.0.2.1"
	host   = "192.0.2.2"
)

var (
	connect5 = (&mqtt.Connect{Version: mqtt.V5, CleanStart: true, ClientID: []byte("c1")}).AppendTo(nil, 0)
	connack5 = (&mqtt.Connack{}).AppendTo(nil, mqtt.V5)
	ping     = []byte{0xc0, 0}
	pong     = []byte{0xd0, 0}
)

// publish is a PUBLISH of 5.0.
func publish(payload string) []byte {
	return (&mqtt.Publish{Topic: []byte("a/b"), Payload: []byte(payload)}).AppendTo(nil, mqtt.V5)
}

// office is a wire with some of everything.
func office(t *testing.T, link layers.LinkType) *wire {
	w := newWire(t, link)
	client, server := w.dial(sensor, 50123, host, 1883)
	client.say(connect5...)
	server.say(connack5...)
	w.udp(sensor, 7000, host, 1884, []byte{2, 0x16})
	w.udp(host, 1884, sensor, 7000, []byte{2, 0x17})
	w.udp(sensor, 7000, host, 53, []byte{2, 0x17})
	client.say(append(publish("hello"), ping...)...)
	server.say(pong...)
	w.udp(sensor, 7000, host, 1884, []byte{5, 0x0c, 0, 0})
	client.say(0x30, 3, 0, 1, 0xff)
	client.say(0xe0, 0)
	client.fin()
	server.fin()
	return w
}

func TestCapture(t *testing.T) {
	in := office(t, layers.LinkTypeEthernet).pcap()
	for _, json := range []bool{false, true} {
		var out bytes.Buffer
		d := New(&out, Options{JSON: json})
		require.NoError(t, d.Capture(bytes.NewReader(in)))
		require.Equal(t, 2, d.Faults())
		name := "capture.txt"
		if json {
			name = "capture.json"
			wantObjects(t, out.String())
		}
		golden(t, name, out.String())
	}
}

// All forms of a capture give the same lines.
func TestForms(t *testing.T) {
	want, _ := office(t, layers.LinkTypeEthernet).dump(Options{})
	for _, link := range []layers.LinkType{
		layers.LinkTypeEthernet, layers.LinkTypeLinuxSLL, layers.LinkTypeLinuxSLL2, layers.LinkTypeRaw, layers.LinkTypeIPv4,
		layers.LinkTypeNull, layers.LinkTypeLoop,
	} {
		w := office(t, link)
		var zipped bytes.Buffer
		z := gzip.NewWriter(&zipped)
		z.Write(w.pcapng())
		require.NoError(t, z.Close())
		for _, form := range [][]byte{w.pcap(), w.pcapng(), zipped.Bytes()} {
			var out bytes.Buffer
			require.NoError(t, New(&out, Options{}).Read(bytes.NewReader(form)))
			require.Equal(t, want, out.String(), "%v", link)
		}
	}
}

func TestIPv6(t *testing.T) {
	w := newWire(t, layers.LinkTypeEthernet)
	client, _ := w.dial("2001:db8::1", 50123, "2001:db8::2", 1883)
	client.say(connect5...)
	w.udp("fe80::1", 7000, "ff02::1", 1884, []byte{3, 1, 0})
	out, d := w.dump(Options{})
	require.Equal(t, `0.003000 [2001:db8::1]:50123 > [2001:db8::2]:1883 MQTT 5.0 CONNECT client_id="c1" clean_start keep_alive=0
0.004000 [fe80::1]:7000 > [ff02::1]:1884 MQTT-SN 1.2 SEARCHGW radius=0
`, out)
	require.Zero(t, d.Faults())
}

// packetsOf are the lines without times and addresses.
func packetsOf(out string) (lines []string) {
	for line := range strings.Lines(out) {
		_, line, _ = strings.Cut(strings.TrimSpace(line), "MQTT")
		lines = append(lines, strings.TrimSpace(line))
	}
	return lines
}

const (
	gotConnect = `5.0 CONNECT client_id="c1" clean_start keep_alive=0`
	gotHello   = `5.0 PUBLISH qos=0 topic="a/b" payload=5:"hello"`
	gotWorld   = `5.0 PUBLISH qos=0 topic="a/b" payload=5:"world"`
)

func TestSegments(t *testing.T) {
	hello, world := publish("hello"), publish("world")
	both := append(append([]byte(nil), hello...), world...)
	for name, send := range map[string]func(e *end){
		"at once": func(e *end) { e.at(0, both) },
		"octet by octet": func(e *end) {
			for i := range both {
				e.at(i, both[i:i+1])
			}
		},
		"out of order": func(e *end) { e.at(20, both[20:]); e.at(7, both[7:20]); e.at(0, both[:7]) },
		"sent again":   func(e *end) { e.at(0, both[:9]); e.at(0, both[:9]); e.at(0, both); e.at(9, both[9:]) },
		"overlapping":  func(e *end) { e.at(12, both[12:]); e.at(0, both[:5]); e.at(2, both[2:20]) },
		"FIN ahead": func(e *end) {
			e.seq += uint32(len(both))
			e.fin()
			e.seq -= uint32(len(both))
			e.at(0, both)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWire(t, layers.LinkTypeEthernet)
			client, _ := w.dial(sensor, 50123, host, 1883)
			client.say(connect5...)
			send(client)
			out, d := w.dump(Options{})
			require.Equal(t, []string{gotConnect, gotHello, gotWorld}, packetsOf(out))
			require.Zero(t, d.Faults())
		})
	}
}

func TestGap(t *testing.T) {
	w := newWire(t, layers.LinkTypeEthernet)
	client, server := w.dial(sensor, 50123, host, 1883)
	client.say(connect5...)
	client.at(0, publish("hello")[:4])
	client.seq += 1000 // lost
	client.say(publish("hello")[8:]...)
	w.pass(time.Minute)
	client.say(publish("world")...)
	server.say(pong...) // the other direction is not touched
	out, d := w.dump(Options{})
	require.Equal(t, []string{
		gotConnect,
		": 996 octets are missing from the capture; decoding goes on at the next segment of whole packets",
		": 9 octets before this are parts of packets and were not decoded",
		gotWorld,
		"5.0 PINGRESP",
	}, packetsOf(out))
	require.Equal(t, 2, d.Faults())

	client.at(5, ping) // lost for good
	out, _ = w.dump(Options{})
	require.Contains(t, out, ": 5 octets are missing")
	require.Contains(t, out, "5.0 PINGREQ")
}

func TestJoinedInTheMiddle(t *testing.T) {
	w := newWire(t, layers.LinkTypeEthernet)
	client := &end{w, sensor, host, 50123, 1883, 77}
	server := &end{w, host, sensor, 1883, 50123, 88}
	client.say(publish("hello")[5:]...)
	client.say(publish("world")...)
	server.say(pong...)
	out, d := w.dump(Options{Version: mqtt.V5})
	require.Equal(t, []string{": 8 octets before this are parts of packets and were not decoded", gotWorld, "5.0 PINGRESP"}, packetsOf(out))
	require.Equal(t, 1, d.Faults())
	out, _ = w.dump(Options{})
	require.Contains(t, out, `3.1.1? PUBLISH qos=0 topic="a/b" payload=6:0x00776f726c64`)
}

func TestPorts(t *testing.T) {
	w := newWire(t, layers.LinkTypeEthernet)
	client, server := w.dial(sensor, 50123, host, 8000)
	client.say(connect5[:3]...)
	client.say(connect5[3:]...)
	server.say(connack5...)
	other, _ := w.dial(sensor, 50124, host, 8001)
	other.say([]byte("GET / HTTP/1.1")...)
	other.say(connect5...)
	almost, _ := w.dial(sensor, 50125, host, 8002)
	almost.say([]byte("\x10\x0e\x00\x04MQXX")...)
	w.udp(sensor, 7000, host, 10000, []byte{2, 0x16})
	out, _ := w.dump(Options{})
	require.Equal(t, []string{gotConnect, "5.0 CONNACK code=0x00 (success)"}, packetsOf(out))
	out, _ = w.dump(Options{MQTTPorts: []uint16{8001}, MQTTSNPorts: []uint16{10000}})
	require.Contains(t, out, ":8001 MQTT: no more came within a PUBACK: 31 of 71 octets came")
	require.Contains(t, out, ":10000 MQTT-SN 1.2 PINGREQ")
}

// Who is the server is told by the port, though it speaks first here.
func TestDirection(t *testing.T) {
	w := newWire(t, layers.LinkTypeEthernet)
	server := &end{w, host, sensor, 1883, 50123, 88}
	server.say(pong...)
	server.say(ping...)
	out, _ := w.dump(Options{})
	require.Equal(t, []string{"3.1.1? PINGRESP", "3.1.1? PINGREQ malformed at octet 0: type: not from this sender hex=c000"}, packetsOf(out))
}

func TestEndWithinAPacket(t *testing.T) {
	w := newWire(t, layers.LinkTypeEthernet)
	client, _ := w.dial(sensor, 50123, host, 1883)
	client.say(connect5...)
	client.say(publish("hello")[:9]...)
	out, _ := w.dump(Options{})
	require.Equal(t, ": no more came within a PUBLISH: 9 of 13 octets came", packetsOf(out)[1])
	client.fin()
	out, d := w.dump(Options{})
	require.Equal(t, ": the connection ended within a PUBLISH: 9 of 13 octets came", packetsOf(out)[1])
	require.Equal(t, 1, d.Faults())
}

func TestUnframed(t *testing.T) {
	w := newWire(t, layers.LinkTypeEthernet)
	client, server := w.dial(sensor, 50123, host, 1883)
	client.say(connect5...)
	client.say(0, 1, 2)
	client.say(ping...)
	server.say(pong...)
	out, _ := w.dump(Options{})
	require.Equal(t, []string{
		gotConnect,
		"5.0 malformed at octet 0: packet type: reserved; what follows it cannot be told apart hex=000102",
		"5.0 PINGRESP",
	}, packetsOf(out))
}

func TestTooLarge(t *testing.T) {
	w := newWire(t, layers.LinkTypeLinuxSLL)
	client, _ := w.dial(sensor, 50123, host, 1883)
	client.say(connect5...)
	client.say(0x30, 0xff, 0xff, 0xff, 0x7f)
	for range 4 {
		client.say(make([]byte, 60_000)...)
	}
	out, d := w.dump(Options{})
	require.Equal(t, []string{gotConnect, ": a PUBLISH of 268435460 octets is too large to keep, it is passed over"}, packetsOf(out))
	require.Equal(t, 1, d.Faults())
}

func TestFragments(t *testing.T) {
	w := newWire(t, layers.LinkTypeEthernet)
	udp := append([]byte{0x1b, 0x58, 0x07, 0x5c, 0, 26, 0, 0, 18, 0x0c, 0, 0, 5, 0, 0}, []byte("elevenbytes")...)
	for _, at := range []int{16, 0} {
		ip := &layers.IPv4{Version: 4, TTL: 64, Id: 7, Protocol: layers.IPProtocolUDP, FragOffset: uint16(at / 8),
			SrcIP: []byte{192, 0, 2, 1}, DstIP: []byte{192, 0, 2, 2}}
		piece := udp[at:]
		if at == 0 {
			ip.Flags, piece = layers.IPv4MoreFragments, udp[:16]
		}
		w.serialize(layers.EthernetTypeIPv4, ip, gopacket.Payload(piece))
	}
	out, d := w.dump(Options{})
	require.Equal(t, "0.001000 192.0.2.1:7000 > 192.0.2.2:1884 MQTT-SN 1.2 PUBLISH id=0 qos=0 topic_id_type=normal topic_id=5 payload=11:\"elevenbytes\"\n", out)
	require.Zero(t, d.Faults())
}

func TestCutFrames(t *testing.T) {
	w := newWire(t, layers.LinkTypeEthernet)
	w.snap = 60
	w.udp(sensor, 7000, host, 1884, append([]byte{30, 0x0c, 0, 0, 5, 0, 0}, make([]byte, 23)...))
	out, d := w.dump(Options{})
	require.Contains(t, out, "MQTT-SN: 18 of 30 octets are in the capture\n")
	require.Contains(t, out, "capture: 1 of 1 frames are cut; capture whole frames (tcpdump -s 0)\n")
	require.Equal(t, 2, d.Faults())
}

func TestEmptyDatagram(t *testing.T) {
	w := newWire(t, layers.LinkTypeEthernet)
	w.udp(sensor, 7000, host, 1884, nil)
	out, _ := w.dump(Options{})
	require.Equal(t, "0.000000 192.0.2.1:7000 > 192.0.2.2:1884 MQTT-SN 1.2 malformed at octet 0: header: truncated header hex=\n", out)
}

func TestForeignLink(t *testing.T) {
	w := newWire(t, layers.LinkTypeIEEE802_11)
	w.capture([]byte("radio"))
	out, _ := w.dump(Options{})
	require.Equal(t, "capture: 1 of 1 frames are of a link type that is not read; capture on Ethernet, IP, loopback or \"any\"\n", out)
}

// Any beginning of a capture is read as far as it goes.
func TestDamagedCaptures(t *testing.T) {
	w := office(t, layers.LinkTypeEthernet)
	whole, _ := w.dump(Options{})
	for _, in := range [][]byte{w.pcap(), w.pcapng()} {
		for n := range in {
			var out bytes.Buffer
			err := New(&out, Options{}).Capture(bytes.NewReader(in[:n]))
			if err != nil {
				require.NotContains(t, err.Error(), "\n")
			}
			first, _, _ := strings.Cut(out.String(), " MQTT: ")
			require.True(t, strings.HasPrefix(whole, first[:strings.LastIndexByte(first, '\n')+1]), first)
		}
	}
	err := New(new(bytes.Buffer), Options{}).Capture(bytes.NewReader(w.pcap()[:120]))
	require.EqualError(t, err, "the capture is damaged or cut after frame 1: unexpected EOF")
	err = New(new(bytes.Buffer), Options{}).Capture(strings.NewReader("no capture at all, but text"))
	require.ErrorContains(t, err, "no capture in pcap or pcapng form: ")
}

// Connections that end together, by the end of the capture, come in their order.
func TestOrderAtTheEnd(t *testing.T) {
	w := newWire(t, layers.LinkTypeEthernet)
	for i := range 40 {
		client, _ := w.dial(sensor, uint16(40000+i), host, 1883)
		client.say(connect5...)
		client.say(0x30)
	}
	want, _ := w.dump(Options{})
	ends := strings.Split(want[strings.Index(want, " no more"):], "\n")
	require.Len(t, ends, 41)
	for i := range 40 {
		require.Contains(t, want, fmt.Sprintf("192.0.2.1:%d > 192.0.2.2:1883 MQTT: no more came", 40000+i))
	}
	for range 5 {
		got, _ := w.dump(Options{})
		require.Equal(t, want, got)
	}
}

// Segments that wait for a missing one do not fill the memory.
func TestWaitingSegmentsAreBounded(t *testing.T) {
	w := newWire(t, layers.LinkTypeRaw)
	client, _ := w.dial(sensor, 50123, host, 1883)
	client.say(connect5...)
	client.seq += 10
	for range 2 * MaxPages {
		client.say(ping...)
	}
	out, d := w.dump(Options{})
	require.Equal(t, 1, strings.Count(out, "missing"))
	require.Equal(t, 1+2*MaxPages, d.Packets())
}
