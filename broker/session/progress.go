package session

import (
	"encoding/binary"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
)

// What the record of a message of QoS 2 on its way to the client says.
const (
	flightSent     = 1 // then the message id and who has the entry
	flightReleased = 2 // the same; PUBREC came
)

// A Flight is what is stored of a message of QoS 2 on its way to the client.
type Flight struct {
	PacketID uint16
	Message  shard.MessageID
	Released bool   // PUBREC came: there is no entry any more
	Holder   uint64 // the instance that has the entry: the session's, or a shared subscription's
}

// PutFlight stores that a message of QoS 2 is sent under a packet id; holder is
// the instance that has its entry.
func (r *Recorder) PutFlight(b *store.Batch, instance uint64, packetID uint16, id shard.MessageID, holder uint64) {
	key := r.flightKey(instance, packetID)
	r.value = id.AppendTo(append(store.Seal(r.value, recordVersion), flightSent))
	r.value = binary.BigEndian.AppendUint64(r.value, holder)
	b.Put(key, store.Sealed(key, r.value))
}

// PutReleased stores that the client has the message of a packet id. id keeps
// the order of PUBRELs.
func (r *Recorder) PutReleased(b *store.Batch, instance uint64, packetID uint16, id shard.MessageID) {
	key := r.flightKey(instance, packetID)
	r.value = id.AppendTo(append(store.Seal(r.value, recordVersion), flightReleased))
	r.value = binary.BigEndian.AppendUint64(r.value, instance)
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
func ReadFlight(key, rest, value []byte) (f Flight, err error) {
	v, err := open(key, value)
	if err != nil {
		return f, err
	}
	if len(rest) != 2 || len(v) != 1+shard.MessageIDSize+8 || v[0] != flightSent && v[0] != flightReleased {
		return f, store.ErrDamaged
	}
	id, _ := shard.ParseMessageID(v[1 : 1+shard.MessageIDSize])
	return Flight{
		PacketID: binary.BigEndian.Uint16(rest), Message: id, Released: v[0] == flightReleased,
		Holder: binary.BigEndian.Uint64(v[1+shard.MessageIDSize:]),
	}, nil
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

// PutDetail stores one of the things that an in-process connection keeps with the
// session, under a number that is its own.
func (r *Recorder) PutDetail(b *store.Batch, instance uint64, number uint32, detail []byte) {
	key := binary.BigEndian.AppendUint32(AppendKey(r.key[:0], instance, PartDetail), number)
	r.value = append(store.Seal(r.value, recordVersion), detail...)
	b.Put(key, store.Sealed(key, r.value))
}

// ReadDetail reads what PutDetail made; the detail is a part of value.
func ReadDetail(key, rest, value []byte) (number uint32, detail []byte, err error) {
	detail, err = open(key, value)
	if err != nil {
		return 0, nil, err
	}
	if len(rest) != 4 {
		return 0, nil, store.ErrDamaged
	}
	return binary.BigEndian.Uint32(rest), detail, nil
}
