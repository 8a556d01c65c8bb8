package shard

import (
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/store"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// A Kind says what an Event tells.
type Kind uint8

// The kinds of event, with the fields of Event that each uses.
const (
	Opened    Kind = iota // Conn, Info: a client connected
	Received              // Conn, Data: octets of its stream
	Closed                // Conn, Err: the transport ended
	Blocked               // Conn: its output is not taken any more
	Drained               // Conn: its output was taken to the last octet, after Blocked or where an Output asked for it
	LinkUp                // Link, LinkInfo: datagrams can be sent and come in
	LinkDown              // Link: they cannot for the time being
	Datagrams             // Link, Batch: datagrams came in; Relayed: on another shard
	Displaced             // Link, Batch: nodes of other shards are at these addresses now
	Stored                // Store: the store tells
	Wall                  // Offset: the wall clock at Time zero
	Posted                // Posts: from other shards
	Stopping              // the process ends: say goodbye
)

// An Event is what a loop tells a Machine.
type Event struct {
	Kind     Kind
	Conn     ConnID
	Link     LinkID
	Data     []byte
	Batch    []radio.Datagram
	Relayed  bool
	Info     *ConnInfo
	LinkInfo *LinkInfo
	Store    store.Event
	Posts    []Post
	Err      error
	Offset   time.Duration // since the Unix epoch
}

// ConnInfo describes a connection of a stream listener.
type ConnInfo struct {
	Remote netip.AddrPort
	*ListenerInfo
}

// ListenerInfo describes a stream listener, and is shared by its connections.
type ListenerInfo struct {
	Listener  string // its URL
	Anonymous Anonymous
	MaxPacket int // octets of the largest packet accepted
}

// Admits says whether a client without credentials is welcome from there.
func (i *ConnInfo) Admits() bool {
	return i.Anonymous.Admits(i.Remote.Addr().Unmap().IsLoopback())
}

// LinkInfo describes a radio link and what its listener allows.
type LinkInfo struct {
	Listener   string // its URL
	MTU        int    // octets of the largest datagram
	MaxPacket  int    // octets of the largest message accepted
	MaxClients int    // nodes at once
	Exact      bool   // a message that does not fill its frame is dropped
	Anonymous  Anonymous
	Forwarders bool // encapsulation is taken from anybody who is admitted
	Roam       Roam
	GwID       byte
	Retry      time.Duration // T_retry (7.2)
	Retries    int           // N_retry (7.2)
	AwakeRetry time.Duration // towards an awake sleeper
	// Nodes counts those of all shards. Nil: a single shard counts for itself.
	Nodes *atomic.Int32
}

// Anonymous says from where clients without credentials are accepted.
type Anonymous uint8

// The rules for anonymous clients.
const (
	AnonymousLoopback Anonymous = iota // from this host only
	AnonymousOn
	AnonymousOff
)

// Admits says whether a peer is accepted; local: it is on this host.
func (a Anonymous) Admits(local bool) bool {
	return a == AnonymousOn || a == AnonymousLoopback && local
}

// Roam says when a client id is followed to a new address.
type Roam uint8

// The roaming policies (readings S12).
const (
	RoamSameIP Roam = iota // to another port of the same IP address
	RoamAny
	RoamOff
)
