//go:build linux && !race

package main

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestForwardingAllocsNothing(t *testing.T) {
	s, err := newServer()
	require.NoError(t, err)
	defer unix.Close(s.epoll)
	const from, to = 10, 11 // never read or written here
	take := func(b string) {
		n := copy(s.buffer, b)
		_, ok := s.packets(from, &s.conns[from], s.buffer[:n])
		require.True(t, ok)
		for _, fd := range s.dirty { // in place of writing it
			s.pool.put(s.conns[fd].out)
			s.conns[fd].out, s.conns[fd].dirty = nil, false
		}
		s.dirty, s.out.n = s.dirty[:0], 0
	}
	var node unix.RawSockaddrInet4
	s.datagram(&node, []byte("\x08\x12\x00\x00\x01a/b"))
	s.datagram(&node, []byte("\x09\x0a\x00\x00\x00\x01a/b"))
	require.True(t, s.subscribe(to, &s.conns[to], []byte("\x00\x01\x00\x03a/b\x01")))
	for _, packet := range []string{"\x30\x06\x00\x03a/bx", "\x32\x08\x00\x03a/b\x00\x07y"} {
		require.Zero(t, testing.AllocsPerRun(100, func() { take(packet) }))
	}
	up := []byte("\x08\x0c\x20\x00\x01\x00\x09y")
	require.Zero(t, testing.AllocsPerRun(100, func() {
		s.datagram(&node, up)
		take("\x30\x06\x00\x03a/bx")
	}))
}
