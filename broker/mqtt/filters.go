package mqtt

import (
	"encoding/binary"
	"iter"
)

// SubscribeOptions are what a SUBSCRIBE asks for with one filter. 3.x has QoS
// only.
type SubscribeOptions struct {
	QoS               QoS
	NoLocal           bool
	RetainAsPublished bool
	RetainHandling    RetainHandling
}

// A RetainHandling says when a subscription gets retained messages.
type RetainHandling byte

// The ways of handling retained messages.
const (
	SendRetained      RetainHandling = 0
	SendRetainedIfNew RetainHandling = 1
	DontSendRetained  RetainHandling = 2
)

// Bits of the subscription options.
const (
	optQoS               = 0x03
	optNoLocal           = 0x04
	optRetainAsPublished = 0x08
	optRetainHandling    = 0x30
	optReserved          = 0xc0
)

func optionsOf(b byte) SubscribeOptions {
	return SubscribeOptions{
		QoS:               QoS(b & optQoS),
		NoLocal:           b&optNoLocal != 0,
		RetainAsPublished: b&optRetainAsPublished != 0,
		RetainHandling:    RetainHandling(b & optRetainHandling >> 4),
	}
}

func (o SubscribeOptions) byte() byte {
	b := byte(o.QoS) | byte(o.RetainHandling)<<4
	if o.NoLocal {
		b |= optNoLocal
	}
	if o.RetainAsPublished {
		b |= optRetainAsPublished
	}
	return b
}

// Filters are the Topic Filters of a SUBSCRIBE with their options, in their
// wire form.
type Filters struct {
	raw []byte
	n   int
	v31 bool // all bits but the QoS are not looked at
}

// NewFilters makes Filters of octets that AppendFilter has built.
func NewFilters(raw []byte) Filters {
	f := Filters{raw: raw}
	for rest := f; ; f.n++ {
		if _, _, ok := rest.next(); !ok {
			return f
		}
	}
}

// AppendFilter appends a filter and its options for NewFilters. For 3.x all
// options but the QoS must be zero.
func AppendFilter[T ~string | ~[]byte](b []byte, filter T, o SubscribeOptions) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(filter)))
	return append(append(b, filter...), o.byte())
}

// Len is the number of filters that Next has not taken.
func (f Filters) Len() int { return f.n }

// Next takes the first filter out of f. Iterate over a copy of a packet's.
func (f *Filters) Next() (filter []byte, o SubscribeOptions, ok bool) {
	filter, opts, ok := f.next()
	if !ok {
		return nil, o, false
	}
	f.n--
	if f.v31 {
		opts &= optQoS
	}
	return filter, optionsOf(opts), true
}

func (f *Filters) next() (filter []byte, opts byte, ok bool) {
	r := reader{b: f.raw}
	if filter, ok = r.bytes(); !ok {
		return nil, 0, false
	}
	opts, ok = r.uint8()
	f.raw = r.b
	return filter, opts, ok
}

// All iterates over the filters in their order.
func (f Filters) All() iter.Seq2[[]byte, SubscribeOptions] {
	return func(yield func([]byte, SubscribeOptions) bool) {
		for {
			filter, o, ok := f.Next()
			if !ok || !yield(filter, o) {
				return
			}
		}
	}
}

// Names are the Topic Filters of an UNSUBSCRIBE, in their wire form.
type Names struct {
	raw []byte
	n   int
}

// NewNames makes Names of octets that AppendName has built.
func NewNames(raw []byte) Names {
	f := Names{raw: raw}
	for r := (reader{b: raw}); ; f.n++ {
		if _, ok := r.bytes(); !ok {
			return f
		}
	}
}

// AppendName appends a filter for NewNames.
func AppendName[T ~string | ~[]byte](b []byte, filter T) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(filter)))
	return append(b, filter...)
}

// Len is the number of filters that Next has not taken.
func (f Names) Len() int { return f.n }

// Next takes the first filter out of f. Iterate over a copy of a packet's.
func (f *Names) Next() (filter []byte, ok bool) {
	r := reader{b: f.raw}
	if filter, ok = r.bytes(); !ok {
		return nil, false
	}
	f.raw = r.b
	f.n--
	return filter, true
}

// All iterates over the filters in their order.
func (f Names) All() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for {
			filter, ok := f.Next()
			if !ok || !yield(filter) {
				return
			}
		}
	}
}
