package core

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/session"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// What clients do wrong that the codec cannot see.
var (
	errCrowded        = errors.New("mqtt: no CONNECT yet, and too many connections that have not sent it either")
	errFirstPacket    = errors.New("mqtt: the first packet is not CONNECT")
	errUnexpected     = errors.New("mqtt: a packet that a client may not send now")
	errReceiveMaximum = errors.New("mqtt: more unacknowledged messages than Receive Maximum")
	errTopicAlias     = errors.New("mqtt: a topic alias, where none was offered")
	errTopicName      = errors.New("mqtt: a topic name beyond the limits")
	errExpiryRaised   = errors.New("mqtt: a session expiry in DISCONNECT after none in CONNECT")
)

// reason is the code to say for an error.
func reason(err error) mqtt.ReasonCode {
	var e *mqtt.Error
	switch {
	case errors.As(err, &e):
		return e.Code
	case errors.Is(err, errReceiveMaximum):
		return mqtt.ReceiveMaximumExceeded
	case errors.Is(err, errTopicAlias):
		return mqtt.TopicAliasInvalid
	case errors.Is(err, errTopicName):
		return mqtt.TopicNameInvalid
	default:
		return mqtt.ProtocolError
	}
}

// malformed ends a connection that broke the rules, and says why where the
// version has words for it [MQTT-4.13.1-1].
func (c *Core) malformed(now shard.Time, k *conn, err error, out *shard.Out) {
	c.stats.Malformed++
	out.Note(shard.Note{Kind: shard.NoteMalformed, Client: k.name(), Listener: k.info.Listener, Peer: &k.info.Remote, Err: err})
	if k.state == awaitConnect {
		c.refuseMalformed(k, err, out)
		return
	}
	c.disconnect(now, k, reason(err), out)
}

func (k *conn) name() string {
	if k.client == nil {
		return ""
	}
	return k.client.ClientID
}

// disconnect ends a connection from our side; its will is due.
func (c *Core) disconnect(now shard.Time, k *conn, code mqtt.ReasonCode, out *shard.Out) {
	switch {
	case k.id.IsInProcess():
		out.Wake = append(out.Wake, shard.Wake{Kind: shard.WakeClosed, Code: wakeCode(code), Conn: k.id})
	case k.state == connected && k.version == mqtt.V5:
		o := out.To(&k.dest)
		o.Data = (&mqtt.Disconnect{Code: code}).AppendTo(o.Data, k.version)
	}
	c.lose(now, k, out)
}

func wakeCode(code mqtt.ReasonCode) shard.WakeCode {
	switch code {
	case mqtt.SessionTakenOver:
		return shard.WakeTakenOver
	case mqtt.ServerShuttingDown:
		return shard.WakeStopping
	default:
		return shard.WakeNotAllowed
	}
}

// handleDisconnect is the client's goodbye.
func (c *Core) handleDisconnect(now shard.Time, k *conn, p *mqtt.Disconnect, out *shard.Out) {
	client := k.client
	if expiry, ok := p.Properties.Uint32(mqtt.SessionExpiryInterval); ok {
		if client.Expiry() == 0 && expiry != 0 { // 3.14.2.2.2
			c.malformed(now, k, errExpiryRaised, out)
			return
		}
		client.SetExpiry(min(time.Duration(expiry)*time.Second, c.options.SessionExpiry))
	}
	if p.Code == mqtt.Success { // [MQTT-3.14.4-3]
		client.setWill(nil)
	}
	c.lose(now, k, out)
}

// lose ends a connection whose will, if it still has one, is due.
func (c *Core) lose(now shard.Time, k *conn, out *shard.Out) {
	c.forget(k, out)
	if k.client == nil {
		return
	}
	if k.info != nil {
		out.Note(shard.Note{Kind: shard.NoteDisconnected, Client: k.client.ClientID, Listener: k.info.Listener, Peer: &k.info.Remote})
	}
	c.detached(now, k.client, out)
}

// detached decides what becomes of a session without a connection, and of its will.
func (c *Core) detached(now shard.Time, client *client, out *shard.Out) {
	client.endsAt = now + client.Expiry()
	if w := client.will; w != nil {
		w.at = now + min(w.delay, client.Expiry())
	}
	if !c.clientDeadline(now, client, out) {
		c.changed(client, out)
	}
}

// clientDeadline sends the will and ends the session when they are due.
func (c *Core) clientDeadline(now shard.Time, client *client, out *shard.Out) (ended bool) {
	if client.conn != nil {
		return false
	}
	if w := client.will; w != nil && now >= w.at {
		client.setWill(nil)
		c.publishWill(now, client, w, out)
		c.changed(client, out)
	}
	forever := client.Expiry() >= session.NeverExpires
	if !forever && now >= client.endsAt {
		c.end(now, client, out)
		return true
	}
	switch {
	case client.will != nil:
		c.clientDue.Set(client, client.will.at)
	case !forever:
		c.clientDue.Set(client, client.endsAt)
	}
	return false
}

// end removes a session and all that belongs to it [MQTT-4.1.0-2].
func (c *Core) end(now shard.Time, client *client, out *shard.Out) {
	if w := client.will; w != nil {
		client.setWill(nil)
		c.publishWill(now, client, w, out)
	}
	c.clientDue.Remove(client)
	for _, filter := range client.filters.sorted() {
		c.directory.Unsubscribe(filter, &client.target)
	}
	for _, shared := range slices.Sorted(maps.Keys(client.groups)) {
		c.leaveGroup(now, client, shared, out)
	}
	c.clients.Delete(client)
	c.rememberIDs(client)
	client.target.set(isDead) // before the records go (L6)
	client.Rewrite(func(e *shard.Entry) {
		switch {
		case e.Message == nil:
		case e.Group() != nil: // of QoS 2 and in flight: nobody else gets it [MQTT-4.8.2-5]
			c.discard(&client.target, *e, out)
		case e.Shared:
			c.unshare(e.Message, out)
		}
	})
	if client.Stored {
		session.DeleteAll(&out.Batch, client.Instance)
		client.Stored = false
	}
}

// maxLastIDs bounds how many ended sessions' packet ids are remembered.
const maxLastIDs = 4096

// rememberIDs keeps the last packet id of a session that used some: on a lossy
// link answers may still be under way when the client begins anew.
func (c *Core) rememberIDs(client *client) {
	if client.LastID() == 0 {
		return
	}
	if len(c.lastIDs) >= maxLastIDs {
		clear(c.lastIDs)
	}
	c.lastIDs[client.ClientID] = client.LastID()
}
