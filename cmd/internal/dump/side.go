package dump

import (
	"fmt"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
)

// A side is one direction of a connection: a stream of packets.
//
// Nothing in a stream of MQTT marks where a packet begins. So after a gap, and
// where the capture joins a stream, decoding goes on with the first run of
// segments that is whole packets without a fault, as most senders write them.
type side struct {
	*connection
	src, dst string
	from     mqtt.Sender
	at       time.Time // of the last octets
	buffer   []byte    // an unfinished packet
	skip     int       // octets left of a packet that is too large
	seeking  bool      // a packet's beginning
	passed   int       // octets while seeking
	lost     bool      // no packet can be told apart any more
	finished bool
}

// take decodes the next octets.
func (s *side) take(b []byte) {
	switch {
	case s.lost || s.finished:
		return
	case s.seeking && s.isMQTT:
		if !s.plausible(b) {
			s.passed += len(b)
			return
		}
		s.found()
	}
	n := min(s.skip, len(b))
	s.skip -= n
	s.keep(b[n:])
	if !s.isMQTT && (len(s.buffer) == 0 || !s.recognise(s) || s.ignored) {
		return
	}
	s.packets()
}

// packets prints the whole packets of the buffer.
func (s *side) packets() {
	b := s.buffer
	for len(b) > 0 {
		size, err := mqtt.FrameSize(b, 0)
		if err != nil {
			s.lose(b)
			return
		}
		if size == 0 || size > len(b) {
			break
		}
		s.capture.packet(s.record(), b[:size], &s.talk, s.from, s.print)
		b = b[size:]
	}
	s.release(len(s.buffer) - len(b))
	s.bound()
}

// bound passes over a packet that would take too much memory.
func (s *side) bound() {
	size, _ := mqtt.FrameSize(s.buffer, 0)
	if size == 0 || size <= MaxPacket && s.capture.parts <= MaxParts {
		return
	}
	s.note(fmt.Sprintf("a %v of %d octets is too large to keep, it is passed over", mqtt.Type(s.buffer[0]>>4), size))
	s.skip = size - len(s.buffer)
	s.release(len(s.buffer))
}

// gap says that octets are not in the capture.
func (s *side) gap(missing int) {
	switch {
	case !s.isMQTT:
		s.ignore(s)
		return
	case s.lost || s.finished:
		return
	}
	s.note(fmt.Sprintf("%d octets are missing from the capture; decoding goes on at the next segment of whole packets", missing))
	s.passed += len(s.buffer)
	s.release(len(s.buffer))
	s.skip, s.seeking = 0, true
}

// plausible says that b can be the beginning of a packet, and what follows it.
func (s *side) plausible(b []byte) bool {
	return fitsMQTT(b) && s.capture.soundMQTT(b, s.talk, s.from)
}

// found ends the search for a packet.
func (s *side) found() {
	s.seeking = false
	if s.passed > 0 {
		s.note(fmt.Sprintf("%d octets before this are parts of packets and were not decoded", s.passed))
	}
	s.passed = 0
}

// lose prints b, of which no packet can be made, and ends the stream.
func (s *side) lose(b []byte) {
	s.capture.unframed(s.record(), b, &s.talk, s.print)
	s.lost = true
	s.release(len(s.buffer))
}

// finish says what is left over at the end.
func (s *side) finish(why string) {
	if s.finished || s.ignored || !s.isMQTT {
		s.release(len(s.buffer))
		return
	}
	s.finished = true
	if len(s.buffer) > 0 {
		size, _ := mqtt.FrameSize(s.buffer, 0)
		s.note(fmt.Sprintf("%s within a %v: %d of %d octets came", why, mqtt.Type(s.buffer[0]>>4), len(s.buffer), size))
	}
	if s.passed > 0 {
		s.note(fmt.Sprintf("%d octets are parts of packets and were not decoded", s.passed))
	}
	s.release(len(s.buffer))
}

// keep and release count what is in the buffer.
func (s *side) keep(b []byte) {
	s.buffer = append(s.buffer, b...)
	s.capture.parts += len(b)
}

func (s *side) release(n int) {
	s.capture.parts -= n
	if n == len(s.buffer) {
		s.buffer = nil
	} else if n > 0 {
		s.buffer = s.buffer[:copy(s.buffer, s.buffer[n:])]
	}
}

func (s *side) record() record {
	return record{at: s.at, src: s.src, dst: s.dst, protocol: MQTT}
}

func (s *side) note(text string) {
	r := s.record()
	r.notice = text
	s.print(&r)
}

func (s *side) print(r *record) { s.capture.printOf(s.number, r) }
