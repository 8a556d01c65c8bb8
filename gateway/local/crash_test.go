package local_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// A conversation is a sensor that sleeps and a dashboard that writes to it, on a
// site that crashes once.
type conversation struct {
	t     *testing.T
	site  *site
	clock time.Duration // that of the world; the site's begins anew with each process
	born  time.Duration // of the site's process, by the world's
	queue []func()      // what is under way, in order
	steps int
	trace []string // of the node
	lost  func() bool

	sensor    *sensor
	dashboard *dashboard
	writes    []time.Duration // when the dashboard writes next
	wrote     int
}

func newConversation(t *testing.T) *conversation {
	c := &conversation{t: t, site: newSite(t), lost: func() bool { return false }}
	c.site.datagrams = func(to radio.Addr, data []byte) {
		require.Equal(t, c.sensor.addr(), to)
		if c.lost() {
			return
		}
		c.later(func() {
			c.note("to node  ", data)
			c.sensor.heard(data)
		})
	}
	c.site.octets = func(o *shard.Output) {
		conn, data := o.Conn, o.Octets(nil)
		c.later(func() { c.dashboard.receive(conn, data) })
		if o.Tell {
			c.later(func() { c.site.event(shard.Event{Kind: shard.Drained, Conn: conn}) })
		}
	}
	c.sensor = newSensor(c, 3)
	c.dashboard = newDashboard(c)
	for i := range time.Duration(6) {
		c.writes = append(c.writes, 9*time.Second+i*7*time.Second)
	}
	return c
}

// note puts down what the node said or heard.
func (c *conversation) note(who string, data []byte) {
	var d mqttsn.Decoder
	p, _, err := d.Decode(data)
	require.NoError(c.t, err)
	c.trace = append(c.trace, fmt.Sprintf("%v %s %v %x", c.clock, who, p.Type(), data))
}

// last is the newest n lines of what was put down.
func (c *conversation) last(n int) []string { return c.trace[max(0, len(c.trace)-n):] }

// later has something happen after all that is under way.
func (c *conversation) later(f func()) { c.queue = append(c.queue, f) }

// over says that everything was written and nothing is under way.
func (c *conversation) over() bool {
	return len(c.writes) == 0 && len(c.dashboard.order) == 0 && c.sensor.sent == c.sensor.rounds &&
		len(c.sensor.got) >= c.wrote && len(c.dashboard.got) >= c.sensor.rounds
}

// step has one thing happen: something arrives, or the store is done, or, when
// nothing is under way, time passes.
func (c *conversation) step() {
	c.steps++
	s := c.site
	switch {
	case len(c.queue) > 0:
		f := c.queue[0]
		c.queue = c.queue[1:]
		f()
	case len(s.pending) > 0:
		s.apply(1)
		s.event(committed(s))
	default:
		c.wait()
	}
}

// wait goes to when something is due.
func (c *conversation) wait() {
	next := c.sensor.due
	if len(c.writes) > 0 {
		next = min(next, c.writes[0])
	}
	at, ok := c.site.machine.Deadline()
	if ok {
		next = min(next, c.born+at)
	}
	c.clock = max(c.clock, next)
	c.site.now = c.clock - c.born
	switch {
	case ok && c.born+at <= c.clock:
		c.site.round(func() {})
	case len(c.writes) > 0 && c.writes[0] <= c.clock:
		c.writes = c.writes[1:]
		c.dashboard.write(fmt.Sprintf("down/%d", c.wrote%2), fmt.Sprint(c.wrote))
		c.wrote++
	default:
		c.sensor.advance()
	}
}

// crash ends the process: what was under way is lost.
func (c *conversation) crash(kept int) {
	c.queue = nil
	c.site.crash(kept, 0)
	c.born = c.clock
	c.dashboard.connect()
}

// finish goes on to the end, and looks at what has come.
func (c *conversation) finish(note string) {
	for c.sensor.state != sensorDone {
		if c.steps > 10_000 {
			require.Fail(c.t, "it does not come to an end", "%s: the last packets:\n%s", note, strings.Join(c.last(30), "\n"))
		}
		c.step()
	}
	require.Equal(c.t, c.wrote, len(c.dashboard.acked), note)
	require.Equal(c.t, c.dashboard.acked, c.sensor.got, "%s: to the node, once and in order", note)
	require.Equal(c.t, []string{"0", "1", "2"}, c.dashboard.got, "%s: from the node", note)
}

func committed(s *site) shard.Event {
	ev := shard.Event{Kind: shard.Stored}
	ev.Store.Ticket = s.tickets - store.Ticket(len(s.pending))
	return ev
}

// TestExactlyOnceOverACrashAtEveryEvent: whatever the process was doing, and
// however much of what it had submitted had reached the disk, every acknowledged
// message comes once and in order, under the same topic ids, and a node that was
// asleep is asleep again (L4, L5, L14, S19, T5, P6).
func TestExactlyOnceOverACrashAtEveryEvent(t *testing.T) {
	whole := newConversation(t)
	whole.finish("without a crash")
	crashes := 0
	for at := range whole.steps {
		for kept, more := 0, true; more; kept++ {
			c := newConversation(t)
			for range at {
				c.step()
			}
			if more = kept < len(c.site.pending); kept > len(c.site.pending) {
				break
			}
			c.crash(kept)
			c.finish(fmt.Sprintf("crash before event %d, %d batches kept", at, kept))
			crashes++
		}
	}
	t.Logf("%d crashes in a conversation of %d events", crashes, whole.steps)
}

// TestExactlyOnceOverCrashesAndLoss: crashes at random, and one datagram of five
// is lost.
func TestExactlyOnceOverCrashesAndLoss(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 0))
		c := newConversation(t)
		c.lost = func() bool { return random.Float64() < 0.2 }
		for range random.IntN(5) {
			for range random.IntN(100) {
				if c.sensor.state != sensorDone {
					c.step()
				}
			}
			c.crash(random.IntN(len(c.site.pending) + 1))
		}
		c.finish(fmt.Sprintf("seed %d", seed))
	}
}
