package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// dormouse runs the command line in this process.
func dormouse(t *testing.T, stdin io.Reader, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(&out)
	root.SetErr(&errs)
	root.SetContext(t.Context())
	code = run(root)
	return code, out.String(), errs.String()
}

// A record is what a scripted server was told, a line for each packet.
type record struct {
	mu    sync.Mutex
	lines []string
}

func (r *record) add(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.lines, "\n")
}

// broker is a scripted MQTT server: to a SUBSCRIBE it sends messages and then
// its answer, and it notes what it is told.
func broker(t *testing.T, v mqtt.Version, accept mqtt.ReasonCode, messages ...mqtt.Publish) (url string, got *record) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	got = new(record)
	var wait sync.WaitGroup
	wait.Go(func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		d := &mqtt.Decoder{From: mqtt.FromClient}
		var b []byte
		for chunk := make([]byte, 4096); ; {
			n, err := conn.Read(chunk)
			if err != nil {
				return
			}
			for b = append(b, chunk[:n]...); ; {
				size, err := mqtt.Frame(b, 0)
				if err != nil || size == 0 {
					break
				}
				p, err := d.Decode(b[:size], v)
				if err != nil {
					got.add("%v", err)
					return
				}
				for _, a := range answer(got, p, accept, messages) {
					conn.Write(a.AppendTo(nil, v))
				}
				if p.Type() == mqtt.TypeDisconnect {
					return
				}
				b = b[size:]
			}
		}
	})
	t.Cleanup(func() { l.Close(); wait.Wait() })
	return "mqtt://" + l.Addr().String(), got
}

func answer(got *record, p mqtt.Packet, accept mqtt.ReasonCode, messages []mqtt.Publish) (out []mqtt.Packet) {
	switch p := p.(type) {
	case *mqtt.Connect:
		expiry, _ := p.Properties.Uint32(mqtt.SessionExpiryInterval)
		got.add("CONNECT %v %s clean=%v expiry=%d user=%s:%s", p.Version, p.ClientID, p.CleanStart, expiry, p.UserName, p.Password)
		return []mqtt.Packet{&mqtt.Connack{Code: accept}}
	case *mqtt.Publish:
		got.add("PUBLISH %s q%d r%v %q", p.Topic, p.QoS, p.Retain, p.Payload)
		if p.QoS == 1 {
			out = append(out, &mqtt.Puback{PacketID: p.PacketID})
		}
		if p.QoS == 2 {
			out = append(out, &mqtt.Pubrec{PacketID: p.PacketID})
		}
	case *mqtt.Pubrel:
		got.add("PUBREL")
		return []mqtt.Packet{&mqtt.Pubcomp{PacketID: p.PacketID}}
	case *mqtt.Subscribe:
		for filter, o := range p.Filters.All() {
			got.add("SUBSCRIBE %s q%d rh%d", filter, o.QoS, o.RetainHandling)
			code := byte(o.QoS)
			if string(filter) == "secret" {
				code = mqtt.SubackFailure
			}
			for i := range messages {
				out = append(out, &messages[i])
			}
			out = append(out, &mqtt.Suback{PacketID: p.PacketID, Codes: []byte{code}})
		}
	default:
		got.add("%v", p.Type())
	}
	return out
}

func TestPubSends(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(file, []byte("\x00\xff\n"), 0o600))
	for _, tt := range []struct{ args, stdin, want string }{
		{"-t a -m 21.5", "", `PUBLISH a q0 rfalse "21.5"`},
		{"-t a -n -r", "", `PUBLISH a q0 rtrue ""`},
		{"-t a -q 1 -f " + file, "", `PUBLISH a q1 rfalse "\x00\xff\n"`},
		{"-t a -q 2 -m once", "", "PUBLISH a q2 rfalse \"once\"\nPUBREL"},
		{"-t a -s", "x\ny\n", `PUBLISH a q0 rfalse "x\ny\n"`},
		{"-t a -l -q 1", "x\r\n\ny", "PUBLISH a q1 rfalse \"x\\r\"\nPUBLISH a q1 rfalse \"\"\nPUBLISH a q1 rfalse \"y\""},
		{"-t a -m m --repeat 2 --repeat-delay 0.001", "", "PUBLISH a q0 rfalse \"m\"\nPUBLISH a q0 rfalse \"m\""},
		{"-t a -m m -V mqttv5", "", `PUBLISH a q0 rfalse "m"`},
	} {
		t.Run(tt.args, func(t *testing.T) {
			v := mqtt.V311
			if strings.Contains(tt.args, "-V") {
				v = mqtt.V5
			}
			url, got := broker(t, v, 0)
			args := append([]string{"pub", "-L", url, "-i", "me", "-u", "ann", "-P", "pw"}, strings.Fields(tt.args)...)
			code, out, errs := dormouse(t, strings.NewReader(tt.stdin), args...)
			require.Equal(t, 0, code, errs)
			require.Empty(t, out+errs)
			require.Equal(t, fmt.Sprintf("CONNECT %v me clean=true expiry=0 user=ann:pw\n%s\nDISCONNECT", v, tt.want), got.String())
		})
	}
}

// Each filter brings more messages than wait anywhere, before its answer.
func TestSubTakesWhileItSubscribes(t *testing.T) {
	messages := make([]mqtt.Publish, 1000)
	for i := range messages {
		messages[i] = mqtt.Publish{Topic: []byte("t"), QoS: 1, PacketID: uint16(i + 1), Payload: []byte("m")}
	}
	url, got := broker(t, mqtt.V311, 0, messages...)
	code, out, errs := dormouse(t, nil, "sub", url, "-t", "a", "-t", "b", "-q", "1", "-C", "1500", "-W", "20")
	require.Equal(t, 0, code, errs)
	require.Equal(t, strings.Repeat("m\n", 1500), out)
	require.Equal(t, 1500, strings.Count(got.String(), "PUBACK")) // what is not printed stays with the server
}

func TestSubPrints(t *testing.T) {
	messages := []mqtt.Publish{
		{Topic: []byte("t/1"), Retain: true, Payload: []byte("old")},
		{Topic: []byte("t/2"), Payload: []byte("\x00\xff")},
	}
	for _, tt := range []struct{ args, connect, subscribe, want string }{
		{"-C 2", "3.1.1 me clean=true expiry=0", "q0 rh0", "old\n\x00\xff\n"},
		{"-C 2 -v -q 1", "3.1.1 me clean=true expiry=0", "q1 rh0", "t/1 old\nt/2 \x00\xff\n"},
		{"-C 2 -N -c", "3.1.1 me clean=false expiry=0", "q0 rh0", "old\x00\xff"},
		{"-C 1 -R", "3.1.1 me clean=true expiry=0", "q0 rh0", "\x00\xff\n"},
		{"-C 1 -R -V 5", "5.0 me clean=true expiry=0", "q0 rh2", "\x00\xff\n"},
		{"-C 1 -V 5 -c -x 3600", "5.0 me clean=false expiry=3600", "q0 rh0", "old\n"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			v := mqtt.V311
			if strings.Contains(tt.args, "-V 5") {
				v = mqtt.V5
			}
			url, got := broker(t, v, 0, messages...)
			args := append([]string{"sub", url, "-i", "me", "-t", "t/#"}, strings.Fields(tt.args)...)
			code, out, errs := dormouse(t, nil, args...)
			require.Equal(t, 0, code, errs)
			require.Equal(t, tt.want, out)
			require.Equal(t, "CONNECT "+tt.connect+" user=:\nSUBSCRIBE t/# "+tt.subscribe+"\nDISCONNECT", got.String())
		})
	}
}

func TestDebug(t *testing.T) {
	url, _ := broker(t, mqtt.V311, 0)
	_, _, errs := dormouse(t, nil, "pub", url, "-i", "x", "-t", "a", "-m", "m", "-q", "1", "-d")
	require.Contains(t, errs, "Client x sending CONNECT\nClient x received CONNACK\nClient x sending PUBLISH\nClient x received PUBACK\n")
}

func TestExitCodes(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	nobody := "mqtt://" + l.Addr().String()
	l.Close()
	refusing, _ := broker(t, mqtt.V311, mqtt.ReasonCode(mqtt.ConnNotAuthorized))
	denying, _ := broker(t, mqtt.V311, 0)
	silent, _ := broker(t, mqtt.V311, 0)
	for _, tt := range []struct {
		code int
		want string
		args []string
	}{
		{1, "Error: Connection refused; is the server running?", []string{"pub", nobody, "-t", "a", "-m", "m"}},
		{1, "connection refused: not authorized", []string{"pub", refusing, "-t", "a", "-m", "m"}},
		{1, `the subscription to "secret" was denied`, []string{"sub", denying, "-t", "secret"}},
		{27, "Timed out", []string{"sub", silent, "-t", "a", "-W", "1"}},
		{2, "give one with -t", []string{"pub", "-m", "m"}},
		{2, "by one of -m, -n, -f, -s and -l", []string{"pub", "-t", "a"}},
		{2, "by one of -m, -n, -f, -s and -l", []string{"pub", "-t", "a", "-m", "m", "-l"}},
		{2, "use 0 to 2", []string{"pub", "-t", "a", "-m", "m", "-q", "-1"}},
		{2, "use -1 to 1", []string{"pub", "mqttsn://h", "-t", "a", "-m", "m", "-q", "2"}},
		{2, "a wildcard in a name", []string{"pub", "-t", "a/#", "-m", "m"}},
		{2, "--repeat is 1 or more", []string{"pub", "-t", "a", "-m", "m", "--repeat", "0"}},
		{2, "--repeat is 1 or more", []string{"pub", "-t", "a", "-m", "m", "--repeat-delay", "NaN"}},
		{2, "leave -l or --repeat out", []string{"pub", "-t", "a", "-l", "--repeat", "2"}},
		{2, "give one or more with -t", []string{"sub"}},
		{2, "# not last", []string{"sub", "-t", "a/#/b"}},
		{2, "use 0 to 2", []string{"sub", "-t", "a", "-q", "3"}},
		{2, "use 0 to 1", []string{"sub", "mqttsn://h", "-t", "a", "-q", "2"}},
		{2, "not negative", []string{"sub", "-t", "a", "-C", "-1"}},
		{2, "give one with -i", []string{"sub", "-t", "a", "-c"}},
		{2, "add -V 5", []string{"sub", "-t", "a", "-x", "9"}},
		{2, "see dormouse sub --help", []string{"sub", "--nonsense"}},
		{2, "see dormouse --help", []string{"nonsense"}},
		{2, "see dormouse version --help", []string{"version", "x"}},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			code, out, errs := dormouse(t, nil, tt.args...)
			require.Equal(t, tt.code, code, errs)
			require.Contains(t, errs, tt.want)
			require.Equal(t, 1, strings.Count(errs, "\n"), errs)
			require.Empty(t, out)
		})
	}
}

func TestHelpAndVersion(t *testing.T) {
	for _, name := range []string{"pub", "sub"} {
		code, out, _ := dormouse(t, nil, name, "--help")
		require.Equal(t, 0, code)
		require.Contains(t, out, "Examples:")
		require.Contains(t, out, "-h, --host")
	}
	code, out, _ := dormouse(t, nil, "version")
	require.Equal(t, 0, code)
	require.Regexp(t, `^dormouse \S* ?\(go\S+.*, \w+/\w+\)\n$`, out)
}

// gateway is a scripted MQTT-SN gateway.
func gateway(t *testing.T) (url string, got *record) {
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	got = new(record)
	var wait sync.WaitGroup
	wait.Go(func() {
		var d mqttsn.Decoder
		for b := make([]byte, 1500); ; {
			n, from, err := udp.ReadFrom(b)
			if err != nil {
				return
			}
			p, _, err := d.Decode(b[:n])
			if err != nil {
				continue
			}
			var out []mqttsn.Packet
			switch p := p.(type) {
			case *mqttsn.Connect:
				got.add("CONNECT %s clean=%v", p.ClientID, p.CleanSession)
				out = append(out, &mqttsn.Connack{})
			case *mqttsn.Register:
				got.add("REGISTER %s", p.TopicName)
				out = append(out, &mqttsn.Regack{TopicID: 5, MsgID: p.MsgID})
			case *mqttsn.Publish:
				got.add("PUBLISH %d q%d r%v %q", p.TopicID, p.QoS, p.Retain, p.Data)
				if p.QoS == mqttsn.QoS1 {
					out = append(out, &mqttsn.Puback{TopicID: p.TopicID, MsgID: p.MsgID})
				}
			case *mqttsn.Subscribe:
				got.add("SUBSCRIBE %s", p.TopicName)
				out = append(out, &mqttsn.Suback{TopicID: 6, MsgID: p.MsgID},
					&mqttsn.Publish{TopicID: 6, Retain: true, Data: []byte("old")}, &mqttsn.Publish{TopicID: 6, Data: []byte("new")})
			case *mqttsn.Disconnect:
				got.add("DISCONNECT")
				out = append(out, &mqttsn.Disconnect{})
			}
			for _, p := range out {
				udp.WriteTo(p.AppendTo(nil), from)
			}
		}
	})
	t.Cleanup(func() { udp.Close(); wait.Wait() })
	return "mqttsn://" + udp.LocalAddr().String(), got
}

func TestPubByMQTTSN(t *testing.T) {
	url, got := gateway(t)
	code, _, errs := dormouse(t, nil, "pub", url, "-i", "n", "-t", "sensors/1", "-q", "1", "-m", "21.5", "-r", "-d")
	require.Equal(t, 0, code, errs)
	require.Equal(t, "CONNECT n clean=true\nREGISTER sensors/1\nPUBLISH 5 q1 rtrue \"21.5\"\nDISCONNECT", got.String())
	require.Contains(t, errs, "Client n sending CONNECT\nClient n received CONNACK\n")

	url, got = gateway(t)
	code, _, errs = dormouse(t, nil, "pub", url, "-t", "a/b", "-q", "-1", "-m", "m", "--predefined", "7=a/b")
	require.Equal(t, 0, code, errs)
	require.Eventually(t, func() bool { return got.String() == `PUBLISH 7 q-1 rfalse "m"` }, 5e9, 1e6, got.String())
}

func TestSubByMQTTSN(t *testing.T) {
	url, got := gateway(t)
	code, out, errs := dormouse(t, nil, "sub", url, "-i", "n", "-t", "t", "-v", "-R", "-C", "1", "-W", "20")
	require.Equal(t, 0, code, errs)
	require.Equal(t, "t new\n", out)
	require.Equal(t, "CONNECT n clean=true\nSUBSCRIBE t\nDISCONNECT", got.String())
}
