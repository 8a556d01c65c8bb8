package world

import (
	"fmt"
	"strings"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// A line is a packet's name and its fields; what is zero says nothing.
type line struct{ strings.Builder }

func newLine(name fmt.Stringer) *line {
	l := &line{}
	l.WriteString(name.String())
	return l
}

func (l *line) number(name string, v int) *line {
	if v != 0 {
		fmt.Fprintf(l, " %s=%d", name, v)
	}
	return l
}

func (l *line) text(name string, v []byte) *line {
	if len(v) > 0 {
		fmt.Fprintf(l, " %s=%s", name, v)
	}
	return l
}

func (l *line) flag(name string, v bool) *line {
	if v {
		l.WriteString(" " + name)
	}
	return l
}

func (l *line) topic(t mqttsn.TopicIDType, id uint16) *line {
	switch t {
	case mqttsn.TopicShort:
		name := mqttsn.ShortName(id)
		return l.text("short", name[:])
	case mqttsn.TopicPredefined:
		return l.number("predefined", int(id))
	default:
		return l.number("id", int(id))
	}
}

// describeDatagram says what a datagram of MQTT-SN says.
func describeDatagram(data []byte) string {
	var d mqttsn.Decoder
	p, surplus, err := d.Decode(data)
	if err != nil {
		return fmt.Sprintf("malformed %x", data)
	}
	l := newLine(p.Type())
	switch p := p.(type) {
	case *mqttsn.Connect:
		l.text("client", p.ClientID).flag("clean", p.CleanSession).flag("will", p.Will).number("duration", int(p.Duration))
	case *mqttsn.Connack:
		l.number("code", int(p.Code))
	case *mqttsn.Register:
		l.number("id", int(p.TopicID)).number("msg", int(p.MsgID)).text("topic", p.TopicName)
	case *mqttsn.Regack:
		l.number("id", int(p.TopicID)).number("msg", int(p.MsgID)).number("code", int(p.Code))
	case *mqttsn.Publish:
		l.flag("dup", p.Dup).number("qos", int(p.QoS)).flag("retain", p.Retain).
			topic(p.TopicIDType, p.TopicID).number("msg", int(p.MsgID)).text("payload", p.Data)
	case *mqttsn.Puback:
		l.number("id", int(p.TopicID)).number("msg", int(p.MsgID)).number("code", int(p.Code))
	case *mqttsn.Subscribe:
		l.flag("dup", p.Dup).number("qos", int(p.QoS)).topic(p.TopicIDType, p.TopicID).
			text("topic", p.TopicName).number("msg", int(p.MsgID))
	case *mqttsn.Suback:
		l.number("qos", int(p.QoS)).number("id", int(p.TopicID)).number("msg", int(p.MsgID)).number("code", int(p.Code))
	case *mqttsn.Unsubscribe:
		l.topic(p.TopicIDType, p.TopicID).text("topic", p.TopicName).number("msg", int(p.MsgID))
	case *mqttsn.Unsuback:
		l.number("msg", int(p.MsgID))
	case *mqttsn.Pingreq:
		l.text("client", p.ClientID)
	case *mqttsn.Disconnect:
		l.number("duration", int(p.Duration))
	case *mqttsn.Gwinfo:
		l.number("gateway", int(p.GwID))
	case *mqttsn.Forward:
		fmt.Fprintf(l, " node=%x %s", p.NodeID, describeDatagram(p.Message))
	}
	return l.number("surplus", surplus).String()
}

func describeStore(ev store.Event) string {
	switch ev.Kind {
	case store.Committed:
		return fmt.Sprintf("committed %d", ev.Ticket)
	case store.Failed:
		return fmt.Sprintf("failed %v", ev.Err)
	default:
		return fmt.Sprintf("read %d", ev.Tag)
	}
}

var noteNames = [...]string{
	shard.NoteConnected:        "connected",
	shard.NoteDisconnected:     "disconnected",
	shard.NoteRefusedAnonymous: "refused anonymous",
	shard.NoteRefused:          "refused",
	shard.NoteMalformed:        "malformed",
	shard.NoteTakenOver:        "taken over",
	shard.NoteLost:             "lost",
	shard.NoteDropped:          "dropped",
}

func describeNote(n *shard.Note) string {
	text := noteNames[n.Kind]
	if n.Client != "" {
		text += " " + n.Client
	}
	if n.Err != nil {
		text += ": " + n.Err.Error()
	}
	return text
}
