package world

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	gateway "github.com/dormouse-mqtt/dormouse/gateway/core"
	"github.com/dormouse-mqtt/dormouse/gateway/session"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

var rewrite = flag.Bool("rewrite", false, "write what the scripts do as what they should do")

// TestScripts plays the conversations in testdata. A block is commands, a line
// of four dashes, and what the gateway says to them; a blank line ends it.
// Names beginning with c are MQTT clients, all others are nodes.
//
//	n1 CONNECT clean duration=60   a packet; fields as in the output
//	f1 node=0102 CONNECT ...       the same, from behind forwarder f1
//	c1 drop                        the stream breaks
//	n1 move                        the node goes to another address
//	run 90s                        time passes (after any other command: 200 ms)
//	store hold, store commit       the store waits; it goes on
//	predefined 9 a/b               everybody knows the topic by this id
//	clock on, clock off            output lines begin with the time
//	seen                           print what everybody sent, too, from here on
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			in, err := os.ReadFile(file)
			require.NoError(t, err)
			got := newScript(t).play(string(in))
			if *rewrite {
				require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
				return
			}
			require.Equal(t, string(in), got, "with -rewrite, the output becomes what is expected")
		})
	}
}

// settle is how long the world runs after each command.
const settle = 200 * time.Millisecond

type script struct {
	t          *testing.T
	world      *World
	radios     map[string]*Radio
	clients    map[string]*Client
	predefined session.Table // of everybody
	seen       int           // lines of the trace that were printed or passed over
	clock      bool
	all        bool
}

func newScript(t *testing.T) *script {
	s := &script{t: t, radios: map[string]*Radio{}, clients: map[string]*Client{}}
	s.world = New(1, Options{Gateway: gateway.Options{Predefined: map[string]*session.Table{"*": &s.predefined}}})
	return s
}

// play gives the script back with the output that it makes.
func (s *script) play(in string) string {
	var out strings.Builder
	commands := true
	for _, line := range strings.Split(strings.TrimRight(in, "\n"), "\n") {
		switch {
		case line == "":
			commands = true
			out.WriteString("\n")
		case !commands: // what was expected
		case line == "----":
			commands = false
			out.WriteString("----\n" + s.output())
		default:
			out.WriteString(line + "\n")
			if !strings.HasPrefix(line, "#") {
				s.command(line)
			}
		}
	}
	return out.String()
}

// output is what was said since it was last asked for.
func (s *script) output() string {
	var out strings.Builder
	for _, e := range s.world.Entries(s.seen) {
		quiet := e.From != "gw" && !s.all
		routine := e.To == "" && (strings.HasPrefix(e.Text, "connected") || strings.HasPrefix(e.Text, "disconnected"))
		if quiet || routine {
			continue
		}
		if s.clock {
			out.WriteString(Clock(e.At) + " ")
		}
		out.WriteString(e.String() + "\n")
	}
	s.seen = len(s.world.Entries(0))
	return out.String()
}

func (s *script) command(line string) {
	words := strings.Fields(line)
	pause := settle
	switch words[0] {
	case "run":
		d, err := time.ParseDuration(words[1])
		require.NoError(s.t, err, line)
		pause = d
	case "store":
		if s.world.Hold = words[1] == "hold"; !s.world.Hold {
			s.world.Commit()
		}
	case "predefined":
		id, err := strconv.Atoi(words[1])
		require.NoError(s.t, err, line)
		s.predefined.Add(uint16(id), words[2])
	case "clock":
		s.clock = words[1] == "on"
	case "seen":
		s.all = true
	case "stop":
		s.world.Stop()
	default:
		if words[0][0] == 'c' {
			s.client(words[0], words[1], parse(words[2:]))
		} else {
			s.node(words[0], words[1:])
		}
	}
	s.world.Run(pause)
}

// fields are a command's key=value words, and words alone.
type fields map[string]string

func parse(words []string) fields {
	f := fields{}
	for _, w := range words {
		k, v, _ := strings.Cut(w, "=")
		f[k] = v
	}
	return f
}

func (f fields) has(key string) bool { _, ok := f[key]; return ok }

func (f fields) number(key string, otherwise int) int {
	if !f.has(key) {
		return otherwise
	}
	n, err := strconv.Atoi(f[key])
	if err != nil {
		panic(fmt.Sprintf("%s=%s: %v", key, f[key], err))
	}
	return n
}

func (f fields) u16(key string) uint16 { return uint16(f.number(key, 0)) }

func (s *script) node(name string, words []string) {
	r := s.radios[name]
	if r == nil {
		r = s.world.Radio(name, nil)
		s.radios[name] = r
	}
	if words[0] == "move" {
		r.Move()
		return
	}
	var behind []byte
	if id, ok := strings.CutPrefix(words[0], "node="); ok {
		behind, _ = hex.DecodeString(id)
		words = words[1:]
	}
	data := s.packet(name, words[0], parse(words[1:])).AppendTo(nil)
	if behind != nil {
		data = (&mqttsn.Forward{NodeID: behind, Message: data}).AppendTo(nil)
	}
	r.Send(data)
}

// packet makes the packet of MQTT-SN that a command speaks of.
func (s *script) packet(node, name string, f fields) mqttsn.Packet {
	id, idType := f.u16("id"), mqttsn.TopicNormal
	switch {
	case f.has("short"):
		id, idType = mqttsn.ShortID([]byte(f["short"])), mqttsn.TopicShort
	case f.has("predefined"):
		id, idType = f.u16("predefined"), mqttsn.TopicPredefined
	}
	code := mqttsn.ReturnCode(f.number("code", 0))
	switch name {
	case "CONNECT":
		clientID := node
		if f.has("client") {
			clientID = f["client"]
		}
		return &mqttsn.Connect{
			Will: f.has("will"), CleanSession: f.has("clean"), ProtocolID: byte(f.number("protocol", 1)),
			Duration: f.u16("duration"), ClientID: []byte(clientID),
		}
	case "REGISTER":
		return &mqttsn.Register{MsgID: f.u16("msg"), TopicName: []byte(f["topic"])}
	case "REGACK":
		return &mqttsn.Regack{TopicID: id, MsgID: f.u16("msg"), Code: code}
	case "PUBLISH":
		return &mqttsn.Publish{
			Dup: f.has("dup"), QoS: mqttsn.QoS(f.number("qos", 0)), Retain: f.has("retain"),
			TopicIDType: idType, TopicID: id, MsgID: f.u16("msg"), Data: []byte(f["payload"]),
		}
	case "PUBACK":
		return &mqttsn.Puback{TopicID: id, MsgID: f.u16("msg"), Code: code}
	case "SUBSCRIBE":
		return &mqttsn.Subscribe{
			Dup: f.has("dup"), QoS: mqttsn.QoS(f.number("qos", 0)), TopicIDType: idType,
			MsgID: f.u16("msg"), TopicName: []byte(f["topic"]), TopicID: id,
		}
	case "UNSUBSCRIBE":
		return &mqttsn.Unsubscribe{TopicIDType: idType, MsgID: f.u16("msg"), TopicName: []byte(f["topic"]), TopicID: id}
	case "PINGREQ":
		return &mqttsn.Pingreq{ClientID: []byte(f["client"])}
	case "DISCONNECT":
		return &mqttsn.Disconnect{HasDuration: f.has("duration"), Duration: f.u16("duration")}
	case "SEARCHGW":
		return &mqttsn.Searchgw{}
	}
	s.t.Fatalf("a node cannot say %s", name)
	return nil
}

func (s *script) client(name, what string, f fields) {
	c := s.clients[name]
	if c == nil {
		c = s.world.Client(name)
		s.clients[name] = c
	}
	qos, id := mqtt.QoS(f.number("qos", 0)), f.u16("id")
	switch what {
	case "CONNECT":
		c.Connect(connect(name, f))
	case "SUBSCRIBE":
		c.Subscribe(id, f["topic"], qos)
	case "UNSUBSCRIBE":
		c.Send(&mqtt.Unsubscribe{PacketID: id, Filters: mqtt.NewNames(mqtt.AppendName(nil, f["topic"]))})
	case "PUBLISH":
		c.Send(&mqtt.Publish{Dup: f.has("dup"), QoS: qos, Retain: f.has("retain"), Topic: []byte(f["topic"]), PacketID: id, Payload: []byte(f["payload"])})
	case "PUBACK":
		c.Send(&mqtt.Puback{PacketID: id})
	case "PINGREQ":
		c.Send(&mqtt.Pingreq{})
	case "DISCONNECT":
		c.Send(&mqtt.Disconnect{Code: mqtt.ReasonCode(f.number("code", 0))})
	case "drop":
		c.Drop()
	default:
		s.t.Fatalf("a client cannot say %s", what)
	}
}

func connect(name string, f fields) *mqtt.Connect {
	p := &mqtt.Connect{
		Version: mqtt.Version(f.number("v", 4)), CleanStart: f.has("clean"),
		KeepAlive: f.u16("keepalive"), ClientID: []byte(name),
	}
	if f.has("client") {
		p.ClientID = []byte(f["client"])
	}
	if f.has("expiry") {
		p.Properties = mqtt.NewProperties(mqtt.AppendUint32(nil, mqtt.SessionExpiryInterval, uint32(f.number("expiry", 0))))
	}
	if f.has("will") {
		p.HasWill = true
		p.Will = mqtt.Will{QoS: mqtt.QoS(f.number("willqos", 0)), Topic: []byte(f["will"]), Payload: []byte(f["payload"])}
		if f.has("delay") {
			p.Will.Properties = mqtt.NewProperties(mqtt.AppendUint32(nil, mqtt.WillDelayInterval, uint32(f.number("delay", 0))))
		}
	}
	return p
}
