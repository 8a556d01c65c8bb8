package local

import (
	"github.com/dormouse-mqtt/dormouse/broker/core"
	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/gateway/session"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// uplink is session.Uplink as function calls into a broker's core.
type uplink struct{ core *core.Core }

// Open implements session.Uplink. One message at a time goes to a node (6).
func (u uplink) Open(now shard.Time, a session.Arrival, out *shard.Out) shard.ConnID {
	return u.core.Open(now, core.Arrival{ClientID: a.ClientID, Clean: a.Clean, Expiry: a.Expiry, Window: 1}, out)
}

// Publish implements session.Uplink.
func (u uplink) Publish(now shard.Time, conn shard.ConnID, p session.Publication, out *shard.Out) (mqttsn.ReturnCode, shard.Mark) {
	code, mark := u.core.Publish(now, conn, core.Publication{
		Topic: p.Topic, Payload: p.Payload, QoS: p.QoS, Retain: p.Retain, PacketID: p.MsgID, Detail: p.Detail,
	}, out)
	return returnCode(code), mark
}

// returnCode says in MQTT-SN what a reason code says in MQTT (14).
func returnCode(code mqtt.ReasonCode) mqttsn.ReturnCode {
	switch {
	case code < mqtt.UnspecifiedError:
		return mqttsn.Accepted
	case code == mqtt.QuotaExceeded:
		return mqttsn.Congestion
	default:
		return mqttsn.NotSupported
	}
}

// Subscribe implements session.Uplink.
func (u uplink) Subscribe(now shard.Time, conn shard.ConnID, filter string, qos byte, retained bool, out *shard.Out) (byte, mqttsn.ReturnCode, shard.Mark) {
	code, mark := u.core.Subscribe(now, conn, filter, qos, retained, out)
	return byte(code) & 3, returnCode(code), mark
}

// Unsubscribe implements session.Uplink.
func (u uplink) Unsubscribe(now shard.Time, conn shard.ConnID, filter string, out *shard.Out) shard.Mark {
	return u.core.Unsubscribe(now, conn, filter, out)
}

// Next implements session.Uplink. Of a delivery that is to be released there is
// no message any more.
func (u uplink) Next(now shard.Time, conn shard.ConnID, out *shard.Out) (session.Delivery, bool) {
	d, mark, ok := u.core.Next(now, conn, out)
	if !ok {
		return session.Delivery{}, false
	}
	next := session.Delivery{
		QoS: d.QoS, Retain: d.Retain, Dup: d.Dup, Release: d.Release, MsgID: d.PacketID, Mark: mark,
	}
	if !d.Release {
		next.Topic, next.Payload = d.Topic, d.Payload
	}
	return next, true
}

// Renumber implements session.Uplink.
func (u uplink) Renumber(conn shard.ConnID, msgID uint16) uint16 {
	return u.core.Renumber(conn, msgID)
}

// Ack implements session.Uplink.
func (u uplink) Ack(now shard.Time, conn shard.ConnID, msgID uint16, out *shard.Out) {
	u.core.Ack(now, conn, msgID, out)
}

// Received implements session.Uplink.
func (u uplink) Received(conn shard.ConnID, msgID uint16, out *shard.Out) (bool, shard.Mark) {
	return u.core.Received(conn, msgID, out)
}

// Completed implements session.Uplink.
func (u uplink) Completed(conn shard.ConnID, msgID uint16, out *shard.Out) {
	u.core.Completed(conn, msgID, out)
}

// Reattach implements session.Uplink.
func (u uplink) Reattach(clientID string) shard.ConnID { return u.core.Reattach(clientID) }

// Pause implements session.Uplink.
func (u uplink) Pause(conn shard.ConnID) { u.core.Pause(conn) }

// Resume implements session.Uplink.
func (u uplink) Resume(conn shard.ConnID) { u.core.Resume(conn) }

// Extend implements session.Uplink.
func (u uplink) Extend(conn shard.ConnID, ext []byte, out *shard.Out) shard.Mark {
	return u.core.Extend(conn, ext, out)
}

// Detail implements session.Uplink.
func (u uplink) Detail(conn shard.ConnID, number uint32, value []byte, out *shard.Out) shard.Mark {
	return u.core.Detail(conn, number, value, out)
}

// Keep implements session.Uplink.
func (u uplink) Keep(conn shard.ConnID, ext []byte, out *shard.Out) shard.Mark {
	return u.core.Keep(conn, ext, out)
}

// Close implements session.Uplink.
func (u uplink) Close(now shard.Time, conn shard.ConnID, lost bool, out *shard.Out) {
	u.core.Close(now, conn, lost, out)
}

// Discard implements session.Uplink.
func (u uplink) Discard(now shard.Time, conn shard.ConnID, out *shard.Out) {
	u.core.Discard(now, conn, out)
}

// Evict implements session.Uplink.
func (u uplink) Evict(now shard.Time, conn shard.ConnID, out *shard.Out) {
	u.core.Evict(now, shard.Event{Conn: conn}, out)
}

// Knows implements session.Uplink.
func (u uplink) Knows(clientID string) bool { return u.core.Knows(clientID) }

// Kept implements session.Uplink.
func (u uplink) Kept() int { return u.core.Kept() }
