package session

import (
	"encoding/binary"
	"math"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
)

// Keys of a session begin with KeySession and its instance, so that its end is
// one operation; then comes a Part. They sort as they are needed at a load: what
// others refer to comes first.
const KeySession = 's'

// KeyBody begins the key of a message that several entries share.
const KeyBody = 'b'

// A Part says which of a session's records a key is of.
type Part byte

// The parts, and what their keys end with.
const (
	PartRecord       Part = iota // nothing: the session itself
	PartEntry                    // message id: a queued or sent message
	PartSubscription             // filter
	PartFlight                   // packet id: a message of QoS 2 on its way to the client
	PartInbound                  // packet id: a message of QoS 2 that the client has not released
	PartDetail                   // number: what an in-process connection keeps with the session
)

// keySize is how long the keys without a filter are at most.
const keySize = 1 + 8 + 1 + shard.MessageIDSize

// AppendKey appends what the keys of a session's part begin with.
func AppendKey(b []byte, instance uint64, part Part) []byte {
	return append(binary.BigEndian.AppendUint64(append(b, KeySession), instance), byte(part))
}

// ParseKey splits a key of a session.
func ParseKey(key []byte) (instance uint64, part Part, rest []byte, ok bool) {
	if len(key) < 10 || key[0] != KeySession {
		return 0, 0, nil, false
	}
	return binary.BigEndian.Uint64(key[1:]), Part(key[9]), key[10:], true
}

// DeleteAll removes all records of an instance.
func DeleteAll(b *store.Batch, instance uint64) {
	var from, to [keySize]byte
	b.DeleteRange(AppendKey(from[:0], instance, 0), AppendKey(to[:0], instance, math.MaxUint8))
}
