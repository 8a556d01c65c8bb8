package core

import (
	"cmp"
	"slices"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/deadline"
	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/table"
)

// connState is how far a connection has come.
type connState uint8

const (
	awaitConnect connState = iota
	awaitStore             // CONNACK waits for the store, and all else for CONNACK (L8)
	connected
)

// A conn is one client's connection.
type conn struct {
	id       shard.ConnID
	client   *client // nil before CONNECT
	state    connState
	version  mqtt.Version
	paused   bool // in process: asleep
	woken    bool // in process: was told that there is something to deliver
	ended    bool // the core has it no more
	scanning turn
	last     uint16 // the place of the route of what it published on last; 0: none
	next     *conn  // in the table of connections
	*stream
}

// A stream is the octets of a connection, which one in process has not.
type stream struct {
	info       *shard.ConnInfo // nil: in process
	dest       shard.Dest
	lastSeen   shard.Time
	held       shard.Mark // what the newest delivery that waits for the store waits for
	heldOctets int32      // in the ring
	waiting    int32      // octets of answers in the ring
	unanswered int32      // messages of QoS 1 whose PUBACK waits for the store
	maxPacket  uint32
	keepAlive  uint16 // seconds; 0: none
	blocked    bool   // its transport has enough, until it says Drained
	heldBack   bool   // the store is behind
	unread     bool   // it is not read for the time being
	gone       bool   // its transport has ended, before what it sent was handled
	due        deadline.Item
	in         []byte // an incomplete packet, or what waits for CONNACK
}

// noStream is for connections in process, and is never written.
var noStream stream

// byID finds connections. Nobody chooses their ids.
var byID = table.Of[shard.ConnID, conn]{
	Key:  func(k *conn) shard.ConnID { return k.id },
	Next: func(k *conn) **conn { return &k.next },
	Hash: shard.ConnID.Hash,
}

// maxAwaiting bounds what a client may send before its CONNACK has left.
const maxAwaiting = 64 << 10

// open begins a connection that has to say CONNECT in time.
func (c *Core) open(now shard.Time, id shard.ConnID, info *shard.ConnInfo, out *shard.Out) {
	one := &struct { // in one piece
		conn
		of stream
	}{conn{id: id}, stream{info: info, dest: shard.Dest{ID: id}, lastSeen: now}}
	k := &one.conn
	k.stream = &one.of
	c.conns.Put(k)
	c.connDue.Set(k, now+c.options.ConnectTimeout)
	c.enter(k, out)
}

// receive takes octets of the stream and handles the packets that are whole.
func (c *Core) receive(now shard.Time, k *conn, data []byte, out *shard.Out) {
	k.lastSeen = now
	if k.state == awaitStore {
		k.in = append(k.in, data...)
		c.control(k, out)
		return
	}
	in := k.in
	k.in = nil // what is being handled does not wait
	if len(in) > 0 {
		in = append(in, data...)
		data = in
	}
	if rest := c.packets(now, k, data, out); len(rest) > 0 && !k.ended {
		k.in = append(in[:0], rest...)
	}
}

// packets handles whole packets and returns what is left.
func (c *Core) packets(now shard.Time, k *conn, data []byte, out *shard.Out) []byte {
	for len(data) > 0 && k.state != awaitStore {
		c.raw = data
		n, err := mqtt.Frame(data, c.maxPacket(k))
		if err != nil {
			c.malformed(now, k, err, out)
			return nil
		}
		if n == 0 {
			break
		}
		c.raw = data[:n]
		p, err := c.decoder.Decode(data[:n], k.version)
		if err != nil {
			c.malformed(now, k, err, out)
			return nil
		}
		if connect, ok := p.(*mqtt.Connect); ok && c.moves(k, connect, data, out) {
			return nil
		}
		c.packet(now, k, p, out)
		data = data[n:]
		if k.ended {
			return nil
		}
	}
	return data
}

// moves hands a connection whose CONNECT is at the start of data to the shard
// that the client's session lives on. Nothing was done with it, nor judged (L8).
func (c *Core) moves(k *conn, p *mqtt.Connect, data []byte, out *shard.Out) bool {
	if k.state != awaitConnect || len(p.ClientID) == 0 {
		return false
	}
	to := Owner(string(p.ClientID), c.options.Shards)
	if to == c.options.Shard {
		return false
	}
	out.Moves = append(out.Moves, shard.Move{Conn: k.id, Info: k.info, To: to, Data: slices.Clone(data)})
	c.drop(k)
	return true
}

// maxConnect bounds a CONNECT, in octets: nobody has said who he is yet.
const maxConnect = 64 << 10

func (c *Core) maxPacket(k *conn) int {
	if k.state == awaitConnect {
		return min(maxConnect, k.info.MaxPacket)
	}
	return k.info.MaxPacket
}

// packet handles one packet from a client.
func (c *Core) packet(now shard.Time, k *conn, p mqtt.Packet, out *shard.Out) {
	if connect, ok := p.(*mqtt.Connect); ok && k.state == awaitConnect {
		c.connect(now, k, connect, out)
		return
	}
	if k.state != connected { // [MQTT-3.1.0-1]
		c.malformed(now, k, errFirstPacket, out)
		return
	}
	switch p := p.(type) {
	case *mqtt.Publish:
		c.handlePublish(now, k, p, out)
	case *mqtt.Puback:
		c.handlePuback(now, k, p.PacketID, out)
	case *mqtt.Pubrec:
		c.handlePubrec(now, k, p, out)
	case *mqtt.Pubrel:
		c.handlePubrel(k, p, out)
	case *mqtt.Pubcomp:
		c.completed(k.client, p.PacketID, out)
		c.pump(now, k, out)
	case *mqtt.Subscribe:
		c.handleSubscribe(now, k, p, out)
	case *mqtt.Unsubscribe:
		c.handleUnsubscribe(now, k, p, out)
	case *mqtt.Pingreq:
		o := out.To(&k.dest)
		o.Data = (&mqtt.Pingresp{}).AppendTo(o.Data, k.version)
	case *mqtt.Disconnect:
		c.handleDisconnect(now, k, p, out)
	default: // a second CONNECT [MQTT-3.1.0-2], AUTH, or a packet of servers
		c.malformed(now, k, errUnexpected, out)
	}
}

// drop takes the connection out of the core.
func (c *Core) drop(k *conn) {
	if k.isHalfOpen() {
		c.leaveHalfOpen(k)
	}
	k.ended = true
	c.conns.Delete(k)
	if !k.id.IsInProcess() {
		c.connDue.Remove(k)
		k.in = nil
	}
}

// forget drops the connection and has its transport closed.
func (c *Core) forget(k *conn, out *shard.Out) {
	c.drop(k)
	if k.client != nil && k.client.conn == k {
		k.client.conn = nil
		c.online(c.now, k.client, false, out)
	}
	if !k.id.IsInProcess() {
		out.To(&k.dest).Close = true
	}
}

// supervise closes a connection that said nothing for too long.
func (c *Core) supervise(now shard.Time, k *conn, out *shard.Out) {
	if k.state == awaitConnect {
		c.stats.TimedOut++
		c.forget(k, out)
		return
	}
	due := k.lastSeen + k.patience()
	if k.unread || k.state == awaitStore { // it cannot be heard
		due = now + k.patience()
	}
	if now < due {
		c.connDue.Set(k, due)
		return
	}
	c.stats.TimedOut++
	out.Note(shard.Note{Kind: shard.NoteLost, Client: k.client.ClientID, Listener: k.info.Listener, Peer: &k.info.Remote})
	c.disconnect(now, k, mqtt.KeepAliveTimeout, out)
}

// patience is how long a client may say nothing: one and a half times its keep
// alive [MQTT-3.1.2-24].
func (k *conn) patience() time.Duration { return time.Duration(k.keepAlive) * 3 * time.Second / 2 }

// sortedConns is all connections in the order in which they were opened.
func (c *Core) sortedConns() []*conn {
	return slices.SortedFunc(c.conns.All, func(a, b *conn) int {
		return cmp.Compare(a.id, b.id)
	})
}
