package shard

// A Note is something that an operator may want to read. The loop logs it, at a
// limited rate; the core counts it besides.
type Note struct {
	Kind     NoteKind
	Client   string
	Listener string
	Peer     Peer
	Err      error
}

// A Peer names where a note's subject is: a netip.AddrPort or a radio.Addr, by a
// pointer where that saves a copy.
type Peer interface{ String() string }

// A NoteKind says what a note is about.
type NoteKind uint8

// What there is to note.
const (
	NoteConnected NoteKind = iota
	NoteDisconnected
	NoteRefusedAnonymous // Listener: whose option `anonymous` would allow it
	NoteRefused          // Err
	NoteMalformed        // Err
	NoteTakenOver
	NoteLost // the client fell silent
	NoteDropped
)

// maxNotes bounds what one round may say; the rest is only counted by the cores.
const maxNotes = 32

// Note adds n to what the round has to say, if there is room.
func (o *Out) Note(n Note) {
	if len(o.Notes) < maxNotes {
		o.Notes = append(o.Notes, n)
	}
}
