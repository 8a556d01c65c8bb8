package store

import (
	"encoding/binary"
	"errors"
)

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
	n    int
}

const opHeader = 1 + 4 + 4

func (b *Batch) add(kind OpKind, key, value []byte) {
	b.data = append(b.data, byte(kind))
	b.data = binary.BigEndian.AppendUint32(b.data, uint32(len(key)))
	b.data = binary.BigEndian.AppendUint32(b.data, uint32(len(value)))
	b.data = append(b.data, key...)
	b.data = append(b.data, value...)
	b.n++
}

// Put sets a key's value.
func (b *Batch) Put(key, value []byte) { b.add(Put, key, value) }

// Delete removes a key, if it is there.
func (b *Batch) Delete(key []byte) { b.add(Delete, key, nil) }

// DeleteRange removes all keys with from <= key < to.
func (b *Batch) DeleteRange(from, to []byte) { b.add(DeleteRange, from, to) }

// Add adds an operation, perhaps of another batch.
func (b *Batch) Add(op Op) { b.add(op.Kind, op.Key, op.Value) }

// Append adds all operations of another batch.
func (b *Batch) Append(other *Batch) {
	b.data = append(b.data, other.data...)
	b.n += other.n
}

// Empty says whether the batch does nothing.
func (b *Batch) Empty() bool { return len(b.data) == 0 }

// Size is the batch's length in octets: a place for Truncate.
func (b *Batch) Size() int { return len(b.data) }

// Len is the number of operations.
func (b *Batch) Len() int { return b.n }

// Truncate undoes all that was added since Size was size.
func (b *Batch) Truncate(size int) {
	b.data, b.n = b.data[:size], 0
	b.Each(func(Op) { b.n++ })
}

// keepBatch is how many octets an empty batch may hold on to.
const keepBatch = 1 << 20

// Reset empties the batch.
func (b *Batch) Reset() {
	b.data, b.n = b.data[:0], 0
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

// AppendTo appends the batch's wire form to data, for ParseBatch.
func (b *Batch) AppendTo(data []byte) []byte { return append(data, b.data...) }

// ErrBatch is the error of what is not the wire form of a batch.
var ErrBatch = errors.New("store: malformed batch")

// ParseBatch gives the batch with the wire form data, which it aliases: it is
// for reading.
func ParseBatch(data []byte) (Batch, error) {
	n := 0
	for p := data; len(p) > 0; n++ {
		if len(p) < opHeader || OpKind(p[0]) > DeleteRange {
			return Batch{}, ErrBatch
		}
		k, v := uint64(binary.BigEndian.Uint32(p[1:])), uint64(binary.BigEndian.Uint32(p[5:]))
		if k+v > uint64(len(p)-opHeader) {
			return Batch{}, ErrBatch
		}
		p = p[opHeader+int(k+v):]
	}
	return Batch{data: data[:len(data):len(data)], n: n}, nil
}
