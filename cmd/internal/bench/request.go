package bench

import "time"

// leave sends b, which is out with a packet behind it.
func (n *node) leave(b []byte) {
	n.socket.out = b
	n.r.engine.write(n.socket)
}

// ask sends a request, b, and keeps it. hasDup: a repetition is told by DUP.
func (n *node) ask(now Time, b []byte, hasDup bool) {
	n.request, n.asked, n.tries, n.flags = b, now, 1, 0
	if hasDup {
		n.flags = flagsAt(b)
	}
	n.leave(append(n.socket.out, b...))
}

// flagsAt is where the flags of a message are: after the type, behind the length
// of one octet or three.
func flagsAt(message []byte) int {
	if message[0] == 1 {
		return 4
	}
	return 2
}

func (n *node) answered() { n.request = n.request[:0] }

const (
	retry   = time.Second // T_retry (7.2): the medium is not radio
	retries = 5
	dup     = 0x80
)

func (n *node) advance(now Time) {
	if len(n.request) == 0 || now-n.asked < retry {
		return
	}
	if n.tries++; n.tries > retries+1 {
		n.answered() // a stream is given up by the run
		if n.wake != nil && n.wake.awake {
			n.woken(now, false)
		}
		if !n.there {
			n.r.fail("%s: the gateway does not answer", n.name)
		}
		return
	}
	n.asked = now
	n.r.result.Repeated++
	if n.flags > 0 {
		n.request[n.flags] |= dup
	}
	n.leave(append(n.socket.out, n.request...))
}
