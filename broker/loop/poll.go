package loop

import (
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// A poller reads and writes sockets on the shard's own goroutine. A loop without
// one is the goroutine twin.
type poller interface {
	// ring wakes the shard, from any goroutine.
	ring()
	// wait waits until the deadline, a letter, or something to handle.
	wait(at shard.Time, ok bool)
	// handle has the machine handle what came in.
	handle()
	// advance gives up connections that were to be closed by now.
	advance(now shard.Time)
	// send writes an output; false: it is not for a socket.
	send(o *shard.Output) bool
	// settle ends the round for what ended in it.
	settle()
	// move hands a socket to another shard; false: it is none.
	move(m *shard.Move, to *Loop) bool
	// arrive takes one from another shard; refuse closes it instead.
	arrive(a *arrival)
	refuse(a *arrival)
	// release reads on after a congestion.
	release()
	// serve accepts connections; read reads a link.
	serve(l *Listener) error
	read(k *link) error
	// end closes everything within the time.
	end(within time.Duration)
	// close is for one that never waited.
	close()
}

// An arrival is a socket that comes from another shard, with what was read of it
// already (L11).
type arrival struct {
	fd   int32
	from *Listener
	info *shard.ConnInfo
	data []byte
}
