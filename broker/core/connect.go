package core

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/session"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/topic"
)

// A refusal says why a CONNECT is not accepted, in the words of each version.
type refusal struct {
	code mqtt.ReasonCode // 5.0
	v3   mqtt.ReturnCode // 3.1.1; ConnAccepted: close without an answer
	text string
}

func (r *refusal) Error() string { return "mqtt: CONNECT refused: " + r.text }

// Why a CONNECT is refused.
var (
	refuseAnonymous = &refusal{mqtt.NotAuthorized, mqtt.ConnNotAuthorized, "anonymous clients are not accepted from there"}
	refuseVersion   = &refusal{mqtt.UnsupportedProtocolVersion, mqtt.ConnUnacceptableVersion, "protocol version"}
	refuseMethod    = &refusal{mqtt.BadAuthenticationMethod, mqtt.ConnAccepted, "authentication method"}
	refuseClientID  = &refusal{mqtt.ClientIdentifierNotValid, mqtt.ConnIdentifierRejected, "an empty client id with a session to keep"}
	refuseStalled   = &refusal{mqtt.ServerUnavailable, mqtt.ConnServerUnavailable, "a session to keep, and the store does not take it"}
	refuseWillTopic = &refusal{mqtt.TopicNameInvalid, mqtt.ConnAccepted, "will topic"}
)

// connect answers CONNECT (MQTT 5.0, 3.1.4).
func (c *Core) connect(now shard.Time, k *conn, p *mqtt.Connect, out *shard.Out) {
	k.version = p.Version
	if r := c.judge(k, p); r != nil {
		c.refuse(k, r, out)
		return
	}
	a := Arrival{ClientID: string(p.ClientID), Clean: p.CleanStart, Window: c.options.MaxInflight, will: c.newWill(p)}
	assigned := a.ClientID == ""
	if assigned {
		a.ClientID = c.assignClientID()
	}
	c.readLimits(k, p, &a)
	if c.stalled && a.Expiry > 0 {
		c.refuse(k, refuseStalled, out)
		return
	}
	k.keepAlive = p.KeepAlive
	if limit := uint16(min(c.options.KeepAliveMax/time.Second, 0xFFFF)); limit > 0 && (k.keepAlive == 0 || k.keepAlive > limit) {
		k.keepAlive = limit
	}
	if cl := c.clients.Get(a.ClientID); cl != nil && cl.reload != nil {
		c.refuse(k, refuseReload, out)
		return
	}
	asked := a.Expiry
	present := c.attach(now, k, a, out)
	c.connDue.Remove(k)
	if k.keepAlive > 0 {
		c.connDue.Set(k, now+k.patience())
	}
	out.Note(shard.Note{Kind: shard.NoteConnected, Client: k.client.ClientID, Listener: k.info.Listener, Peer: &k.info.Remote})

	answer := mqtt.Connack{SessionPresent: present}
	if k.version == mqtt.V5 {
		answer.Properties = mqtt.NewProperties(c.connackProperties(k, p, assigned, asked))
	}
	c.scratch = answer.AppendTo(c.scratch[:0], k.version)
	c.leaveHalfOpen(k)
	k.state = awaitStore
	c.answer(k, ringConnack, c.scratch, out)
}

// judge says why a CONNECT is not accepted; nil: it is.
func (c *Core) judge(k *conn, p *mqtt.Connect) *refusal {
	if p.Version == mqtt.V31 {
		return refuseVersion
	}
	if _, ok := p.Properties.Bytes(mqtt.AuthenticationMethod); ok {
		return refuseMethod
	}
	if !k.info.Admits() {
		return refuseAnonymous
	}
	if len(p.ClientID) == 0 && !p.CleanStart && p.Version < mqtt.V5 { // [MQTT-3.1.3-8]
		return refuseClientID
	}
	if p.HasWill {
		if topic.CheckName(string(p.Will.Topic), c.options.Topics) != nil || reserved(string(p.Will.Topic)) {
			return refuseWillTopic
		}
	}
	return nil
}

// refuse answers a CONNECT with a code, where the version has one, and closes.
func (c *Core) refuse(k *conn, r *refusal, out *shard.Out) {
	note := shard.Note{Kind: shard.NoteRefused, Listener: k.info.Listener, Peer: &k.info.Remote, Err: r}
	if c.stats.Refused++; r == refuseAnonymous {
		c.stats.RefusedAnonymous++
		note.Kind = shard.NoteRefusedAnonymous
	}
	out.Note(note)
	o := out.To(&k.dest)
	switch {
	case k.version == mqtt.V5:
		o.Data = (&mqtt.Connack{Code: r.code}).AppendTo(o.Data, mqtt.V5)
	case r.v3 != mqtt.ConnAccepted:
		o.Data = (&mqtt.Connack{Code: mqtt.ReasonCode(r.v3)}).AppendTo(o.Data, mqtt.V311)
	}
	c.forget(k, out)
}

// refuseMalformed ends a connection whose first packet was not a good CONNECT:
// in silence, unless it speaks a version that has an answer [MQTT-3.1.4-1].
func (c *Core) refuseMalformed(k *conn, err error, out *shard.Out) {
	o := out.To(&k.dest)
	version := mqtt.AnswerVersion(c.raw)
	switch {
	case version == mqtt.V5:
		o.Data = (&mqtt.Connack{Code: reason(err)}).AppendTo(o.Data, version)
	case version != 0 && errors.Is(err, mqtt.ErrProtocolLevel):
		o.Data = (&mqtt.Connack{Code: mqtt.ReasonCode(mqtt.ConnUnacceptableVersion)}).AppendTo(o.Data, version)
	}
	c.forget(k, out)
}

// readLimits reads what the client says about its session and about itself.
func (c *Core) readLimits(k *conn, p *mqtt.Connect, a *Arrival) {
	if k.version < mqtt.V5 {
		if !p.CleanStart {
			a.Expiry = session.NeverExpires
		}
		return
	}
	if s, ok := p.Properties.Uint32(mqtt.SessionExpiryInterval); ok {
		a.Expiry = time.Duration(s) * time.Second
	}
	if n, ok := p.Properties.Uint16(mqtt.ReceiveMaximum); ok {
		a.Window = min(a.Window, int(n))
	}
	if n, ok := p.Properties.Uint32(mqtt.MaximumPacketSize); ok {
		k.maxPacket = n
	}
}

// connackProperties tells what this server offers, as far as it is less than
// the protocol's default, and what it changed of what the client asked for.
func (c *Core) connackProperties(k *conn, p *mqtt.Connect, assigned bool, asked time.Duration) []byte {
	b := c.props[:0]
	if k.client.Expiry() != asked {
		b = mqtt.AppendUint32(b, mqtt.SessionExpiryInterval, uint32(k.client.Expiry()/time.Second))
	}
	b = mqtt.AppendUint16(b, mqtt.ReceiveMaximum, uint16(c.options.ReceiveMaximum))
	b = mqtt.AppendUint32(b, mqtt.MaximumPacketSize, uint32(k.info.MaxPacket))
	if assigned {
		b = mqtt.AppendString(b, mqtt.AssignedClientIdentifier, k.client.ClientID)
	}
	if k.keepAlive != p.KeepAlive {
		b = mqtt.AppendUint16(b, mqtt.ServerKeepAlive, k.keepAlive)
	}
	c.props = b
	return b
}

// assignClientID makes a client id that nobody has [MQTT-3.1.3-7].
func (c *Core) assignClientID() string {
	for n := uint64(c.recorder.Offset/time.Microsecond) + c.sessions; ; n++ {
		id := "dormouse-" + strconv.FormatUint(n, 36)
		if c.clients.Get(id) == nil && Owner(id, c.options.Shards) == c.options.Shard { // L8
			return id
		}
	}
}

// newWill copies the will of a CONNECT; nil: there is none.
func (c *Core) newWill(p *mqtt.Connect) *will {
	if !p.HasWill {
		return nil
	}
	w := &will{message: &shard.Message{
		Topic:      string(p.Will.Topic),
		Payload:    append([]byte(nil), p.Will.Payload...),
		Properties: slices.Clone(c.carried(p.Will.Properties)),
		QoS:        byte(p.Will.QoS),
		Retain:     p.Will.Retain,
	}}
	if s, ok := p.Will.Properties.Uint32(mqtt.WillDelayInterval); ok {
		w.delay = time.Duration(s) * time.Second
	}
	w.expiry, _ = p.Will.Properties.Uint32(mqtt.MessageExpiryInterval)
	return w
}

// welcome goes on after CONNACK has left: with what the client sent meanwhile
// and what the session has for it.
func (c *Core) welcome(now shard.Time, k *conn, out *shard.Out) {
	k.state = connected
	c.pump(now, k, out)
	c.online(now, k.client, true, out)
	k.lastSeen = now
	in := k.in
	k.in = nil
	c.control(k, out)
	if len(in) > 0 {
		c.receive(now, k, in, out)
	}
	if k.gone && !k.ended {
		c.lose(now, k, out)
	}
}
