//go:build linux

package main

import (
	"encoding/binary"
)

// The packet types of MQTT 3.1.1 that do something here, with flags.
const (
	connect   = 0x10
	publish   = 0x30
	puback    = 0x40
	pubrec    = 0x50
	pubrel    = 0x62
	pubcomp   = 0x70
	subscribe = 0x82
	pingreq   = 0xc0
)

var (
	connack  = []byte{0x20, 2, 0, 0}
	pingresp = []byte{0xd0, 0}
)

// packets handles every whole packet of b and returns what is left, and
// whether it could be understood.
func (s *server) packets(fd int32, c *conn, b []byte) (rest []byte, ok bool) {
	for len(b) >= 2 {
		size, head := int(b[1]), 2 // of one octet: nearly all are
		if size >= 0x80 {
			size, head = longSize(b)
			if head == 0 {
				return b, len(b) < 5
			}
		}
		if len(b) < head+size {
			break
		}
		if !s.packet(fd, c, b[:head+size], b[head:head+size]) {
			return nil, false
		}
		b = b[head+size:]
	}
	return b, true
}

// longSize reads a remaining length of several octets; head is where it ends,
// 0 if it does not.
func longSize(b []byte) (size, head int) {
	for i := 1; i < len(b) && i < 5; i++ {
		size |= int(b[i]&0x7f) << (7 * (i - 1))
		if b[i] < 0x80 {
			return size, i + 1
		}
	}
	return 0, 0
}

// packet handles one packet, whole and without its fixed header.
func (s *server) packet(fd int32, c *conn, whole, b []byte) bool {
	switch kind := whole[0]; {
	case kind&0xf0 == publish:
		return s.publish(fd, c, whole, b)
	case kind == connect:
		s.queue(fd, c, connack)
	case kind == subscribe:
		return s.subscribe(fd, c, b)
	case kind == pubrec, kind == pubrel:
		if len(b) < 2 {
			return false
		}
		answer := [4]byte{pubrel, 2, b[0], b[1]}
		if kind == pubrel {
			answer[0] = pubcomp
		}
		s.queue(fd, c, answer[:])
	case kind == pingreq:
		s.queue(fd, c, pingresp)
	}
	return true
}

// publish forwards the packet as it is.
func (s *server) publish(fd int32, c *conn, whole, b []byte) bool {
	if len(b) < 4 {
		return false
	}
	size := int(binary.BigEndian.Uint16(b))
	qos, payload := whole[0]>>1&3, 2+size
	if qos > 0 {
		payload += 2
	}
	if payload > len(b) {
		return false
	}
	name := b[2 : 2+size]
	t := c.last
	if t == nil || string(name) != t.name {
		t = s.topics.find(name)
		c.last = t
	}
	s.forward(t, whole)
	if len(t.nodes) > 0 {
		var id []byte
		if qos > 0 {
			id = b[payload-2 : payload]
		}
		s.forwardToNodes(t, qos, id, b[payload:])
	}
	if qos > 0 {
		answer := [4]byte{puback, 2, b[payload-2], b[payload-1]}
		if qos == 2 {
			answer[0] = pubrec
		}
		s.queue(fd, c, answer[:])
	}
	return true
}

// forward queues a PUBLISH for every connection that takes the topic.
func (s *server) forward(t *topic, whole []byte) {
	for i := 0; i < len(t.conns); i++ {
		to := t.conns[i]
		c := &s.conns[to.fd]
		if c.use != to.use {
			last := len(t.conns) - 1
			t.conns[i], t.conns = t.conns[last], t.conns[:last]
			i--
			continue
		}
		s.queue(to.fd, c, whole)
	}
}

// subscribe grants what is asked for.
func (s *server) subscribe(fd int32, c *conn, b []byte) bool {
	if len(b) < 2 {
		return false
	}
	answer := append(make([]byte, 0, 64), 0x90, 2, b[0], b[1])
	for b = b[2:]; len(b) > 0; {
		end := 2
		if len(b) > 2 {
			end += int(binary.BigEndian.Uint16(b))
		}
		if len(b) <= end || len(answer) == 129 { // a length of one octet
			return false
		}
		s.topics.each(b[2:end], func(t *topic) { t.conns = append(t.conns, subscriber{fd, c.use}) })
		answer = append(answer, b[end])
		answer[1]++
		b = b[end+1:]
	}
	s.queue(fd, c, answer)
	return true
}
