package loop

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// A Listener accepts connections for the shards of a process, up to a bound.
type Listener struct {
	info    *shard.ListenerInfo
	limit   int64
	clients atomic.Int64

	tcp  *net.TCPListener // of the goroutine twin
	next atomic.Uint64    // which shard has the next connection
	log  *noteLog

	fd   int32 // of the polled loops,
	refs atomic.Int32
}

var errFull = errors.New("the listener has as many clients as it may: max-clients")

// acceptPause is how long accepting rests when the process has no descriptors
// left.
const acceptPause = 100 * time.Millisecond

// Serve has the shards accept what comes in by a listener, which is theirs from
// here on: limit connections at once.
func Serve(loops []*Loop, tcp *net.TCPListener, info *shard.ListenerInfo, limit int, logger *slog.Logger) (*Listener, error) {
	l := &Listener{info: info, limit: int64(limit), tcp: tcp, log: newNoteLog(logger)}
	if loops[0].poll == nil {
		if loops[0].employ(1, letter{call: func() {}}) {
			go l.acceptAll(loops)
		} else {
			tcp.Close()
		}
		return l, nil
	}
	err := l.duplicate()
	tcp.Close()
	if err != nil {
		return nil, err
	}
	l.refs.Store(int32(len(loops)))
	for _, loop := range loops {
		call := func() {
			if err := loop.poll.serve(l); err != nil {
				loop.logger.Error("cannot accept connections", "listener", info.Listener, "err", err)
				l.unref()
			}
		}
		if !loop.post(letter{call: call}) {
			l.unref()
		}
	}
	return l, nil
}

// Close stops accepting. Polled loops do so by themselves when they end.
func (l *Listener) Close() { l.tcp.Close() }

func (l *Listener) unref() {
	if l.refs.Add(-1) == 0 {
		l.close()
	}
}

// admit counts a connection, if there is room for it.
func (l *Listener) admit(remote netip.AddrPort, log *noteLog) bool {
	if l.clients.Add(1) <= l.limit {
		return true
	}
	l.clients.Add(-1)
	log.one(shard.Note{Kind: shard.NoteRefused, Listener: l.info.Listener, Peer: remote, Err: errFull})
	return false
}

// left counts a connection that has ended.
func (l *Listener) left() { l.clients.Add(-1) }

// acceptAll deals connections out to the shards in turn, for the goroutine twin.
func (l *Listener) acceptAll(loops []*Loop) {
	defer loops[0].workers.Done()
	for {
		conn, err := l.tcp.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			l.log.rest("cannot accept; resting", "listener", l.info.Listener, "err", err)
			time.Sleep(acceptPause)
			continue
		}
		remote := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
		remote = netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port())
		if !l.admit(remote, l.log) {
			conn.Close()
			continue
		}
		to := loops[l.next.Add(1)%uint64(len(loops))]
		to.AddConn(conn, &shard.ConnInfo{Remote: remote, ListenerInfo: l.info}, l.left)
	}
}
