//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The message types of MQTT-SN 1.2 that do something here (5.2.2).
const (
	snConnect   = 0x04
	snConnack   = 0x05
	snRegister  = 0x0a
	snRegack    = 0x0b
	snPublish   = 0x0c
	snPuback    = 0x0d
	snSubscribe = 0x12
	snSuback    = 0x13
	snPingreq   = 0x16
	snPingresp  = 0x17
)

// Flags (5.3.4).
const (
	snQoS1      = 0x20
	snQoSMask   = 0x60
	snTopicMask = 0x03
	snShort     = 0x02

	snNotSupported = 0x03 // a return code (5.3.10)
)

// datagram handles one message of a node. What makes no sense is dropped.
func (s *server) datagram(from *unix.RawSockaddrInet4, b []byte) {
	if len(b) > 3 && b[0] == 1 {
		b = b[2:]
	}
	if len(b) < 2 {
		return
	}
	switch kind, b := b[1], b[2:]; {
	case kind == snPublish && len(b) >= 5:
		s.snPublish(from, b)
	case kind == snConnect:
		s.answer(from, 3, snConnack, 0)
	case kind == snRegister && len(b) > 4:
		id := s.topics.number(s.topics.find(b[4:]))
		s.answer(from, 7, snRegack, byte(id>>8), byte(id), b[2], b[3], 0)
	case kind == snSubscribe && len(b) > 3:
		s.snSubscribe(from, b)
	case kind == snPingreq:
		s.answer(from, 2, snPingresp)
	}
}

// answer sends a message of fixed size.
func (s *server) answer(to *unix.RawSockaddrInet4, b ...byte) {
	s.sized(len(append(s.next(to), b...)))
}

// snSubscribe grants an exact topic name; a filter would need a REGISTER for
// each topic that it matches.
func (s *server) snSubscribe(from *unix.RawSockaddrInet4, b []byte) {
	name := b[3:]
	if bytes.ContainsAny(name, "+#") {
		s.answer(from, 8, snSuback, 0, 0, 0, b[1], b[2], snNotSupported)
		return
	}
	t := s.topics.find(name)
	id := s.topics.number(t)
	if !slices.Contains(t.nodes, *from) { // it may ask again
		t.nodes = append(t.nodes, *from)
	}
	s.answer(from, 8, snSuback, b[0]&snQoSMask, byte(id>>8), byte(id), b[1], b[2], 0)
}

// snPublish forwards what a node publishes, with its message id.
func (s *server) snPublish(from *unix.RawSockaddrInet4, b []byte) {
	flags, payload := b[0], b[5:]
	var t *topic
	if flags&snTopicMask == snShort {
		t = s.topics.find(b[1:3])
	} else {
		t = s.topics.numbered(binary.BigEndian.Uint16(b[1:]))
	}
	if t == nil {
		return
	}
	qos := byte(0)
	var id []byte
	if flags&snQoSMask == snQoS1 { // -1 is forwarded as 0
		qos, id = 1, b[3:5]
		s.answer(from, 7, snPuback, b[1], b[2], b[3], b[4], 0)
	}
	if len(t.conns) > 0 {
		s.forward(t, s.encode(t, qos, id, payload))
	}
	s.forwardToNodes(t, qos, id, payload)
}

// encode makes a PUBLISH of MQTT in the buffer of reads, which is free while a
// datagram is handled.
func (s *server) encode(t *topic, qos byte, id, payload []byte) []byte {
	b := append(s.buffer[:0], publish|qos<<1)
	b = binary.AppendUvarint(b, uint64(2+len(t.name)+len(id)+len(payload)))
	b = binary.BigEndian.AppendUint16(b, uint16(len(t.name)))
	b = append(b, t.name...)
	b = append(b, id...)
	return append(b, payload...)
}

// forwardToNodes sends a PUBLISH of MQTT-SN to every node that takes the topic.
// The packet identifier, if any, becomes the message id; of QoS 2 becomes 1.
func (s *server) forwardToNodes(t *topic, qos byte, id, payload []byte) {
	size := 7 + len(payload)
	if size > maxDatagram-2 {
		return
	}
	for i := range t.nodes {
		b := s.next(&t.nodes[i])
		if size > 255 {
			b = append(b, 1, byte((size+2)>>8), byte(size+2))
		} else {
			b = append(b, byte(size))
		}
		b = append(b, snPublish, min(qos, 1)*snQoS1, byte(t.id>>8), byte(t.id))
		if id == nil {
			b = append(b, 0, 0)
		} else {
			b = append(b, id[0], id[1])
		}
		s.sized(len(append(b, payload...)))
	}
}

func addressBytes(a *unix.RawSockaddrInet4) *byte { return (*byte)(unsafe.Pointer(a)) }
