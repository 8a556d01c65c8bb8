package bench

import "time"

// A Progress is how far a run is.
type Progress struct {
	Doing     string
	Part      float64 // of Doing, 0 to 1
	Delivered uint64
	PerSecond float64 // since the last one; 0: nothing is sent yet
}

// showing is how often progress is told.
const showing = 200 * time.Millisecond

// show tells how far it is.
func (r *run) show(now Time, doing string, part float64, delivered uint64) {
	if r.progress == nil || now-r.shown < showing {
		return
	}
	p := Progress{Doing: doing, Part: min(max(part, 0), 1), Delivered: delivered}
	if delivered > r.tally.shown {
		p.PerSecond = float64(delivered-r.tally.shown) / (now - r.shown).Seconds()
	}
	r.tally.shown, r.shown = delivered, now
	r.progress(p)
}
