// Package radio says what a link to MQTT-SN nodes is: addresses, datagrams, and
// the two interfaces that every medium implements. It holds types only; the
// media are in the packages below it.
package radio

// A Datagram is one MQTT-SN message, bare or in forwarder encapsulation, with
// the address it came from or goes to.
type Datagram struct {
	// Addr is the peer: the source of what was read, the destination of what
	// is written.
	Addr Addr
	// Local is the own address that was asked, so that the answer leaves from
	// it; the zero Addr lets the medium choose.
	Local Addr
	// Group says that the datagram came by multicast or broadcast.
	Group bool
	// Data is the message. A reader fills the slice that it finds here up to
	// its capacity and sets its length.
	Data []byte
}

// A Link carries whole datagrams to and from nodes. It may lose, repeat and
// reorder them. One goroutine reads, one writes.
type Link interface {
	// ReadBatch waits for at least one datagram and fills what came, up to
	// len(d). A datagram longer than its buffer is dropped and counted by the
	// link. After Close it returns net.ErrClosed.
	ReadBatch(d []Datagram) (n int, err error)
	// WriteBatch sends as many as the medium takes now and returns how many;
	// one that can never be sent is dropped, counted and included in n.
	WriteBatch(d []Datagram) (n int, err error)
	// MTU is the largest datagram in octets; about 100 on 802.15.4.
	MTU() int
	// Close releases a blocked reader and writer. It may be called twice.
	Close() error
}

// A PollLink has a descriptor that a shard's loop can wait for itself.
type PollLink interface {
	Link
	// FD is the descriptor, owned by the link.
	FD() int
	// Poll is ReadBatch that never waits: 0, nil when nothing is there.
	Poll(d []Datagram) (n int, err error)
}
