package session

import (
	"encoding/binary"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
)

// What the record of a message of QoS 2 on its way to the client says.
const (
	flightSent     = 1 // then the message id
	flightReleased = 2 // PUBREC came: there is no entry any more
)

// PutFlight stores that a message of QoS 2 is sent under a packet id.
func (r *Recorder) PutFlight(b *store.Batch, instance uint64, packetID uint16, id shard.MessageID) {
	key := r.flightKey(instance, packetID)
	r.value = id.AppendTo(append(store.Seal(r.value, recordVersion), flightSent))
	b.Put(key, store.Sealed(key, r.value))
}

// PutReleased stores that the client has the message of a packet id. id keeps
// the order of PUBRELs.
func (r *Recorder) PutReleased(b *store.Batch, instance uint64, packetID uint16, id shard.MessageID) {
	key := r.flightKey(instance, packetID)
	r.value = id.AppendTo(append(store.Seal(r.value, recordVersion), flightReleased))
	b.Put(key, store.Sealed(key, r.value))
}

// DeleteFlight removes the record of a packet id: PUBCOMP came.
func (r *Recorder) DeleteFlight(b *store.Batch, instance uint64, packetID uint16) {
	b.Delete(r.flightKey(instance, packetID))
}

func (r *Recorder) flightKey(instance uint64, packetID uint16) []byte {
	return binary.BigEndian.AppendUint16(AppendKey(r.key[:0], instance, PartFlight), packetID)
}

// ReadFlight reads what PutFlight or PutReleased made.
func ReadFlight(key, rest, value []byte) (packetID uint16, id shard.MessageID, released bool, err error) {
	v, err := open(key, value)
	if err != nil {
		return 0, id, false, err
	}
	if len(rest) != 2 || len(v) == 0 || v[0] != flightSent && v[0] != flightReleased {
		return 0, id, false, store.ErrDamaged
	}
	id, ok := shard.ParseMessageID(v[1:])
	if !ok {
		return 0, id, false, store.ErrDamaged
	}
	return binary.BigEndian.Uint16(rest), id, v[0] == flightReleased, nil
}

// PutInbound stores the packet id of a message of QoS 2 from the client.
func (r *Recorder) PutInbound(b *store.Batch, instance uint64, packetID uint16) {
	key := r.inboundKey(instance, packetID)
	r.value = store.Seal(r.value, recordVersion)
	b.Put(key, store.Sealed(key, r.value))
}

// DeleteInbound removes it: PUBREL came.
func (r *Recorder) DeleteInbound(b *store.Batch, instance uint64, packetID uint16) {
	b.Delete(r.inboundKey(instance, packetID))
}

func (r *Recorder) inboundKey(instance uint64, packetID uint16) []byte {
	return binary.BigEndian.AppendUint16(AppendKey(r.key[:0], instance, PartInbound), packetID)
}

// ReadInbound reads what PutInbound made.
func ReadInbound(key, rest, value []byte) (packetID uint16, err error) {
	if _, err := open(key, value); err != nil {
		return 0, err
	}
	if len(rest) != 2 {
		return 0, store.ErrDamaged
	}
	return binary.BigEndian.Uint16(rest), nil
}
