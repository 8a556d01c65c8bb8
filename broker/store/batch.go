package store

import "encoding/binary"

// An OpKind says what an operation of a batch does.
type OpKind uint8

// The operations.
const (
	Put         OpKind = iota // Key, Value
	Delete                    // Key
	DeleteRange               // Key <= key < Value
)

// An Op is one operation of a batch.
type Op struct {
	Kind       OpKind
	Key, Value []byte // alias the batch
}

// A Batch is a list of operations that are applied together. Its zero value is
// an empty one.
type Batch struct {
	data []byte // kind, key length, value length, key, value
}

const opHeader = 1 + 4 + 4

func (b *Batch) add(kind OpKind, key, value []byte) {
	b.data = append(b.data, byte(kind))
	b.data = binary.BigEndian.AppendUint32(b.data, uint32(len(key)))
	b.data = binary.BigEndian.AppendUint32(b.data, uint32(len(value)))
	b.data = append(b.data, key...)
	b.data = append(b.data, value...)
}

// Put sets a key's value.
func (b *Batch) Put(key, value []byte) { b.add(Put, key, value) }

// Delete removes a key, if it is there.
func (b *Batch) Delete(key []byte) { b.add(Delete, key, nil) }

// DeleteRange removes all keys with from <= key < to.
func (b *Batch) DeleteRange(from, to []byte) { b.add(DeleteRange, from, to) }

// Empty says whether the batch does nothing.
func (b *Batch) Empty() bool { return len(b.data) == 0 }

// Size is the batch's length in octets: a place for Truncate.
func (b *Batch) Size() int { return len(b.data) }

// Truncate undoes all that was added since Size was size.
func (b *Batch) Truncate(size int) { b.data = b.data[:size] }

// keepBatch is how many octets an empty batch may hold on to.
const keepBatch = 1 << 20

// Reset empties the batch.
func (b *Batch) Reset() {
	b.data = b.data[:0]
	if cap(b.data) > keepBatch {
		b.data = nil
	}
}

// Each visits the operations in order.
func (b *Batch) Each(visit func(Op)) {
	for p := b.data; len(p) > 0; {
		k := int(binary.BigEndian.Uint32(p[1:]))
		v := int(binary.BigEndian.Uint32(p[5:]))
		end := opHeader + k + v
		visit(Op{OpKind(p[0]), p[opHeader : opHeader+k : opHeader+k], p[opHeader+k : end : end]})
		p = p[end:]
	}
}
