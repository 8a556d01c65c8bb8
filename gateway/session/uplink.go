package session

import (
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// A Publication is a message on its way to the broker.
type Publication struct {
	Topic   string
	Payload []byte // the callee copies what it keeps
	QoS     byte
	Retain  bool
	// MsgID names it, should it be withdrawn later (L9); Detail is what will be
	// kept of it, if not zero.
	MsgID  uint16
	Detail uint32
}

// A Delivery is a message on its way to the node, or, with Release, one of QoS 2
// that the node has and of which only MsgID is left: PUBREL is due.
type Delivery struct {
	Topic       string
	Payload     []byte
	QoS         byte
	Retain, Dup bool
	Release     bool
	MsgID       uint16     // 0 at QoS 0
	Mark        shard.Mark // what is sent of it waits for this
}

// An Arrival asks the broker for a session.
type Arrival struct {
	ClientID string
	Clean    bool
	// Expiry is how long the session outlives its connection.
	Expiry time.Duration
}

// An Uplink is the broker as the gateway needs it. Answers that must not be
// given before something is durable come with its mark.
type Uplink interface {
	// Open asks for a session with a window of one message. The answer comes
	// as a shard.Wake.
	Open(now shard.Time, a Arrival, out *shard.Out) shard.ConnID
	// Publish takes a message; conn zero: from nobody (QoS -1).
	Publish(now shard.Time, conn shard.ConnID, p Publication, out *shard.Out) (mqttsn.ReturnCode, shard.Mark)
	// Subscribe subscribes, and has retained messages sent if asked for.
	Subscribe(now shard.Time, conn shard.ConnID, filter string, qos byte, retained bool, out *shard.Out) (granted byte, code mqttsn.ReturnCode, mark shard.Mark)
	Unsubscribe(now shard.Time, conn shard.ConnID, filter string, out *shard.Out) shard.Mark
	// Next is the next message for the node; after false a shard.Wake tells
	// when there is one.
	Next(now shard.Time, conn shard.ConnID, out *shard.Out) (Delivery, bool)
	// Renumber gives a delivery of QoS 1 another message id; 0: there is none.
	Renumber(conn shard.ConnID, msgID uint16) uint16
	// Ack ends a delivery of QoS 1, and gives up one of any.
	Ack(now shard.Time, conn shard.ConnID, msgID uint16, out *shard.Out)
	// Received notes that the node has a message of QoS 2; known: there is one.
	// PUBREL waits for the mark.
	Received(conn shard.ConnID, msgID uint16, out *shard.Out) (known bool, mark shard.Mark)
	// Completed ends a delivery of QoS 2 that was received.
	Completed(conn shard.ConnID, msgID uint16, out *shard.Out)
	// Pause keeps all messages: the node sleeps. Resume lets them go again.
	Pause(conn shard.ConnID)
	Resume(conn shard.ConnID)
	// Reattach connects a node that was asleep to its loaded session; zero:
	// there is none any more.
	Reattach(clientID string) shard.ConnID
	// Extend stores the node's Record with its session, if that is stored. The
	// callee keeps ext, whose octets change with the next call only.
	Extend(conn shard.ConnID, ext []byte, out *shard.Out) shard.Mark
	// Detail stores a value apart from the Record, in place of the one that had
	// the number before, if the session is stored. The callee copies it, and
	// gives it back with the Record.
	Detail(conn shard.ConnID, number uint32, value []byte, out *shard.Out) shard.Mark
	// Keep stores the session, clean or not, until it ends (L4).
	Keep(conn shard.ConnID, ext []byte, out *shard.Out) shard.Mark
	// Close ends the connection; lost: without a goodbye.
	Close(now shard.Time, conn shard.ConnID, lost bool, out *shard.Out)
	// Discard ends the connection and its session.
	Discard(now shard.Time, conn shard.ConnID, out *shard.Out)
	// Evict ends the connection after a panic: nobody knows what its session is
	// like, but the store (L15).
	Evict(now shard.Time, conn shard.ConnID, out *shard.Out)
	// Knows says whether the client id has a session.
	Knows(clientID string) bool
	// Kept counts the sessions of nodes that are stored.
	Kept() int
}
