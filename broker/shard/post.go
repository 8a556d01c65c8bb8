package shard

import "github.com/dormouse-mqtt/dormouse/radio"

// A PostKind says what a post is about.
type PostKind uint8

// What shards tell each other.
const (
	PostMessage  PostKind = iota // Entry: a message for the session
	PostWithdraw                 // Message: it is taken back, unless it was sent
	PostJoin                     // to a shared subscription: Entry.Extra.Group becomes a member, with these options
	PostLeave                    // and is none any more
	PostReady                    // to a shared subscription: a member takes messages again
	PostReturn                   // to a shared subscription: Entry was lent to a member who left
)

// A Post is what one shard tells a session of another: in the order in which it
// was posted, and after what the round wrote was submitted (L1).
type Post struct {
	Kind PostKind
	To   Addressee
	Entry
}

// An Addressee is a session, wherever it is.
type Addressee interface {
	// Shard is the number of the shard that the session lives on.
	Shard() int
}

// A Relay brings datagrams that came in here to the shard that their node lives
// on. It says nothing that waits for the store.
type Relay struct {
	To   int
	Kind Kind // Datagrams or Displaced
	Link LinkID
	radio.Datagram
}

// A Move hands a connection to the shard that its client's session lives on: it
// is opened there, and gets Data, which was read from it already (L11).
type Move struct {
	Conn ConnID
	Info *ConnInfo
	To   int
	Data []byte
}
