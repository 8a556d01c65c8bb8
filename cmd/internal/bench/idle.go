package bench

import (
	"time"
)

// idle is the scenario of connections that do nothing.
func (r *run) idle() error {
	own, before := ownTime(), r.begin()
	all, err := r.admit("connection", r.Idle, r.gateway.address.IsValid())
	if err != nil {
		return err
	}
	r.connected(before)
	if r.Subscribe {
		used := r.server.usage()
		if err := r.each("subscribing", r.Idle, func(i int) error {
			all[i].listen(i, nil)
			return nil
		}); err != nil {
			return err
		}
		r.result.SubscribeCPUUs = r.server.usage().since(used).per(uint64(r.Idle))
	}
	r.settle()
	if err := r.hold("settling", time.Duration(r.Warmup)); err != nil || r.stopped.Load() {
		r.weigh(before)
		return err
	}
	start, used := r.now(), r.server.usage()
	err = r.hold("idle", time.Duration(r.Duration))
	r.weigh(before)
	r.result.Seconds = (r.now() - start).Seconds()
	if used = r.server.usage().since(used); used.ok && r.result.Seconds > 0 {
		r.result.CPUSeconds = known(used.cpu.Seconds())
		r.result.IdleCPUPercent = known(100 * used.cpu.Seconds() / r.result.Seconds)
	}
	if err == nil && r.KeepAlive > 0 && r.closed == 0 && !r.stopped.Load() {
		err = r.pingAll(all, before)
	}
	r.result.GeneratorCPUSeconds = (ownTime() - own).Seconds()
	return err
}

// pingAll is a round of keep-alive.
func (r *run) pingAll(all []partaker, before beginning) error {
	used := r.server.usage()
	if err := r.each("pinging", len(all), func(i int) error {
		all[i].askPing(r.now())
		return nil
	}); err != nil {
		return err
	}
	r.result.PingCPUUs = r.server.usage().since(used).per(uint64(len(all)))
	if err := r.hold("settling", time.Duration(r.Warmup)); err != nil {
		return err
	}
	if now, ok := r.server.resident(); ok {
		r.result.RSSBytesPerPinged = known(float64(now-before.resident) / float64(len(all)))
	}
	return nil
}

// hold lets d pass.
func (r *run) hold(doing string, d time.Duration) error {
	start := r.now()
	for now := start; now-start < d && !r.over(); now = r.now() {
		if err := r.engine.poll(min(nap, d-(now-start))); err != nil {
			return err
		}
		r.tend(now)
		r.show(now, doing, float64(now-start)/float64(d), 0)
	}
	return r.err
}
