//go:build linux

package main

import (
	"golang.org/x/sys/unix"
)

const (
	burst       = 64   // datagrams of one system call
	maxDatagram = 2048 // longer ones are cut off
)

// A message is the kernel's struct mmsghdr.
type message struct {
	header unix.Msghdr
	size   uint32 // of what was received
}

// datagrams are what one recvmmsg or sendmmsg carries. The kernel's structures
// point into it: it stays where it is.
type datagrams struct {
	n         int // to be sent
	messages  [burst]message
	vectors   [burst]unix.Iovec
	addresses [burst]unix.RawSockaddrInet4
	buffers   [burst][maxDatagram]byte
}

func newDatagrams() *datagrams {
	d := &datagrams{}
	for i := range d.messages {
		d.vectors[i].Base = &d.buffers[i][0]
		d.vectors[i].SetLen(maxDatagram)
		h := &d.messages[i].header
		h.Name = addressBytes(&d.addresses[i])
		h.Namelen = unix.SizeofSockaddrInet4
		h.Iov = &d.vectors[i]
		h.SetIovlen(1)
	}
	return d
}

// receive handles the datagrams of one recvmmsg.
func (s *server) receive() {
	d := s.in
	n, err := recvmmsg(s.udp, d.messages[:])
	if err != nil {
		return
	}
	for i := range d.messages[:n] {
		d.messages[i].header.Namelen = unix.SizeofSockaddrInet4
		s.datagram(&d.addresses[i], d.buffers[i][:d.messages[i].size])
	}
}

// next returns room for a datagram to that address; sized says how much was used.
func (s *server) next(to *unix.RawSockaddrInet4) []byte {
	d := s.out
	if d.n == burst {
		s.send()
	}
	d.addresses[d.n] = *to
	return d.buffers[d.n][:0]
}

func (s *server) sized(n int) {
	s.out.vectors[s.out.n].SetLen(n)
	s.out.n++
}

// send sends what has been collected; what the kernel refuses is lost.
func (s *server) send() {
	d := s.out
	for i := 0; i < d.n; {
		n, err := sendmmsg(s.udp, d.messages[i:d.n])
		if err == errAgain {
			break
		}
		i += max(n, 1) // an error belongs to the first
	}
	d.n = 0
}
