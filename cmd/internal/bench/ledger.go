package bench

import "encoding/binary"

// A stamp is what the first octets of each payload say.
type stamp struct {
	run    uint16 // tells the messages of this run from those of others
	stream uint32
	number uint32 // of the message in its stream, from 1
	at     Time   // when it was sent; with a rate, when it was due
}

// stampSize is the length of a stamp, and the least size of a payload. The time
// has six octets, enough for 78 hours.
const stampSize = 16

func (s *stamp) put(b []byte) {
	binary.BigEndian.PutUint64(b[8:], uint64(s.at)) // its two highest octets are written over
	binary.BigEndian.PutUint16(b, s.run)
	binary.BigEndian.PutUint32(b[2:], s.stream)
	binary.BigEndian.PutUint32(b[6:], s.number)
}

func readStamp(b []byte) (s stamp, ok bool) {
	if len(b) < stampSize {
		return s, false
	}
	return stamp{
		run:    binary.BigEndian.Uint16(b),
		stream: binary.BigEndian.Uint32(b[2:]),
		number: binary.BigEndian.Uint32(b[6:]),
		at:     Time(binary.BigEndian.Uint64(b[8:]) & (1<<48 - 1)),
	}, true
}

// A verdict is what a ledger says of a message.
type verdict int

const (
	inOrder verdict = iota
	outOfOrder
	duplicate
)

// A ledger knows which messages of one stream have come to one subscriber. Its
// memory reaches ledgerWords*64 - 64 messages back or further; one from before
// that counts as out of order, for whether it is a duplicate is not known.
type ledger struct {
	highest uint32
	seen    [ledgerWords]uint64 // a ring of bits, by number
}

const ledgerWords = 8

// enter tells what the message of that number is.
func (l *ledger) enter(number uint32) verdict {
	word, bit := number/64, uint64(1)<<(number%64)
	if number > l.highest {
		from := l.highest / 64
		for i := range min(word-from, ledgerWords) {
			l.seen[(word-i)%ledgerWords] = 0
		}
		l.highest = number
		l.seen[word%ledgerWords] |= bit
		return inOrder
	}
	if l.highest/64-word >= ledgerWords {
		return outOfOrder
	}
	if l.seen[word%ledgerWords]&bit != 0 {
		return duplicate
	}
	l.seen[word%ledgerWords] |= bit
	return outOfOrder
}
