package session

import "sync/atomic"

// An Account is how much of QoS 1 and 2 is kept for a session, queued or in
// flight, as all shards see it: who publishes reserves the room before the
// message is on its way, so that it knows whether it is taken (L6). What is of
// QoS 0 is not accounted; the owner bounds it.
type Account struct {
	octets   atomic.Int64
	messages atomic.Int32
}

// Reserve takes room for a message of size octets; false: there is none left.
func (a *Account) Reserve(size int, l *Limits) bool {
	messages, octets := a.messages.Add(1), a.octets.Add(int64(size))
	if int(messages) > l.messages() || int(octets) > l.octets() {
		a.Release(size)
		return false
	}
	return true
}

// Force takes room whether there is any or not.
func (a *Account) Force(size int) {
	a.messages.Add(1)
	a.octets.Add(int64(size))
}

// Release gives the room of a message back.
func (a *Account) Release(size int) {
	a.messages.Add(-1)
	a.octets.Add(-int64(size))
}

// Over says that more is kept than there is room for.
func (a *Account) Over(l *Limits) bool {
	return int(a.messages.Load()) > l.messages() || int(a.octets.Load()) > l.octets()
}

// Kept is how many messages and octets are kept.
func (a *Account) Kept() (messages, octets int) {
	return int(a.messages.Load()), int(a.octets.Load())
}
