package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// A run is one scenario under way. All of it belongs to one goroutine.
type run struct {
	Scenario
	id       uint16
	engine   engine
	now      func() Time
	stopped  atomic.Bool // asked to end early
	err      error       // what ends the run
	progress func(Progress)
	waits    time.Duration // if it is not what patience says
	result   *Result
	server   processes

	mqtt    target // of the broker
	gateway target // of MQTT-SN; not valid: none
	decoder mqtt.Decoder
	nodes   mqttsn.Decoder

	parties []party
	streams []stream
	waiting []*stream // those that may have room for a message
	tally   tally
	phase   phase
	busy    int // parties whose step is under way; see each
	settled bool
	closed  int
	pings   schedule
	tended  Time // the last time of tend
	shown   Time // the last time that progress was told
}

// A party is a client or a node.
type party interface {
	handler
	// advance repeats what a node has sent in vain.
	advance(now Time)
	// ping asks the server whether it is there.
	ping(now Time)
	// askPing starts a step of that.
	askPing(now Time)
}

// Run does what the options say and tells what it measured. The context ends it
// early; what was measured until then is in the result. With an error the result
// is nil.
func Run(ctx context.Context, o Options) (*Result, error) {
	r := &run{Scenario: o.Scenario, id: uint16(rand.Uint32()), progress: o.Progress, waits: o.patience, server: processes{o.PIDs}}
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	start := time.Now()
	r.now = func() Time { return time.Since(start) }
	if o.engine == nil {
		o.engine = newEngine
	}
	e, err := o.engine(r.now)
	if err != nil {
		return nil, err
	}
	r.engine = e
	defer e.close()
	defer context.AfterFunc(ctx, func() { r.stopped.Store(true) })()
	runtime.GC() // before, rather than within
	switch {
	case r.Idle > 0:
		err = r.idle()
	case r.Sleepers > 0:
		err = r.sleepers()
	default:
		err = r.traffic(o.Syscalls)
	}
	r.result.Interrupted, r.result.Closed = r.stopped.Load(), r.closed
	if err != nil {
		return nil, err
	}
	return r.result, nil
}

// prepare checks the scenario and finds the server.
func (r *run) prepare(ctx context.Context) error {
	t, err := resolve(ctx, r.URL)
	if err != nil {
		return err
	}
	r.mqtt, r.URL = t, t.shown
	r.complete(t.sn, r.id)
	if err := r.check(t.sn); err != nil {
		return &ScenarioError{err}
	}
	if t.sn {
		r.gateway = t
		if r.Broker == "" {
			r.Broker = "mqtt://" + netip.AddrPortFrom(t.address.Addr(), 1883).String()
		}
		if r.mqtt, err = resolve(ctx, r.Broker); err != nil {
			return fmt.Errorf("--broker: %w", err)
		}
		r.Broker = r.mqtt.shown
		if r.mqtt.sn {
			return errors.New("--broker is the MQTT side; give it as mqtt://host:port")
		}
	}
	if err := roomFor(r.Publishers + r.Subscribers + 64); err != nil {
		return err
	}
	r.result = &Result{Scenario: r.Scenario, Engine: engineName, Notes: []string{}}
	r.find()
	return nil
}

// find looks for the server's processes on this host.
func (r *run) find() {
	if len(r.server.pids) == 0 {
		for _, t := range []target{r.mqtt, r.gateway} {
			if t.address.IsValid() && here(t.address.Addr()) {
				for _, pid := range listening(t.address, t.sn) {
					if !slices.Contains(r.server.pids, pid) {
						r.server.pids = append(r.server.pids, pid)
					}
				}
			}
		}
		if len(r.server.pids) == 0 {
			r.note("the server's processes were not found on this host: nothing is known of their CPU and memory; --pid names them")
		}
	}
	if slices.Contains(r.server.pids, selfPID()) {
		r.server.pids = nil
		r.note("the server runs in this process: its CPU and memory cannot be told from the generator's")
	}
	r.result.PIDs = r.server.pids
}

func (r *run) note(format string, args ...any) {
	r.result.Notes = append(r.result.Notes, fmt.Sprintf(format, args...))
}

// fail ends the run; the first reason counts.
func (r *run) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// over tells whether the run is to end.
func (r *run) over() bool { return r.err != nil || r.stopped.Load() }

// errInterrupted ends a run that has measured nothing yet.
var errInterrupted = errors.New("interrupted before anything was measured")

// source is the own address of party i. One address has about 28,000 ports; the
// host's own network has addresses enough for more.
func (r *run) source(i int, to netip.Addr) netip.Addr {
	n := r.SourceAddresses
	if n == 0 {
		n = 1 + (r.Publishers+r.Subscribers)/25_000
	}
	if n == 1 || !to.Is4() || !to.IsLoopback() {
		return netip.Addr{}
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, byte(1 + i%n)})
}
