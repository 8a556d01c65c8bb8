package shard

// A WakeKind says what an in-process connection is told.
type WakeKind uint8

// What an in-process connection is told.
const (
	WakeAccepted  WakeKind = iota // the session is attached
	WakeRefused                   // Code: why; the connection has ended
	WakeDeliver                   // the session has something to deliver
	WakeClosed                    // Code: why; the broker ended the connection
	WakeLoaded                    // Client, Ext: a session was loaded that such a connection extended
	WakeWithdrawn                 // PacketID: the store failed, and what was published is not taken (L9)
)

// A WakeCode says why a connection was refused or ended.
type WakeCode uint8

// The reasons.
const (
	WakeNotAllowed WakeCode = iota
	WakeBusy
	WakeTakenOver
	WakeStopping
)

// A Wake tells an in-process connection something.
type Wake struct {
	Kind    WakeKind
	Code    WakeCode
	Conn    ConnID
	Client  string
	Present bool   // accepted: the session was there
	Mark    Mark   // accepted: the answer waits for it
	Ext     []byte // accepted, loaded: what Extend stored with the session
	Details []Detail

	PacketID uint16 // withdrawn: as Publish was told
}

// A Detail is one of the things that an in-process connection keeps with its
// session apart from the rest, because it changes by itself. Its number is the
// connection's own.
type Detail struct {
	Number uint32
	Value  []byte
}
