package world

import (
	"slices"
	"strings"
)

// kindOf is what a violation is about, without names and numbers.
func kindOf(violation string) string {
	for _, kind := range []string{
		"panic", "damaged", "said goodbye", "get the will", "get the retained", "did not get", "times at QoS", "before it was sent", "sent at", "as a retained", "subscribed at",
		" after ", "not the last", "nobody retained", "come to an end", "refused", "session is", "is lost", "that has ended", "as a message on", "nobody sent",
	} {
		if strings.Contains(violation, kind) {
			return kind
		}
	}
	return violation
}

// fails says whether a plan still has a violation of the kind.
func (p *plan) fails(kind string) bool {
	return slices.ContainsFunc(p.try().violations, func(v string) bool { return kindOf(v) == kind })
}

// chances is in how many other courses of things a smaller plan is tried.
const chances = 8

// failing gives a plan that fails, the same or with another seed; nil: there is
// none. What is lost and late comes out differently in a smaller plan.
func (p *plan) failing(kind string) *plan {
	for i := range uint64(1 + chances) {
		q := *p
		if q.seed = p.seed + i*1_000_003; q.fails(kind) {
			return &q
		}
	}
	return nil
}

// shrink takes out of a plan what its failure does not need.
func (p *plan) shrink(kind string) *plan {
	best := p
	for again := true; again; {
		again = false
		for _, smaller := range []func(*plan, string) (*plan, bool){
			(*plan).withoutOps, (*plan).withoutRoles, (*plan).onBetterNetwork,
		} {
			if q, ok := smaller(best, kind); ok {
				best, again = q, true
			}
		}
	}
	return best
}

// copy is a plan with lists of its own.
func (p *plan) copy() *plan {
	q := *p
	q.cast, q.ops = slices.Clone(p.cast), slices.Clone(p.ops)
	return &q
}

// withoutOps leaves out halves, quarters, and at last single operations.
func (p *plan) withoutOps(kind string) (best *plan, smaller bool) {
	best = p
	for n := len(p.ops) / 2; n > 0; n /= 2 {
		for i := 0; i+n <= len(best.ops); {
			q := best.copy()
			q.ops = slices.Delete(q.ops, i, i+n)
			if q = q.failing(kind); q != nil {
				best, smaller = q, true
			} else {
				i += n
			}
		}
	}
	return best, smaller
}

// withoutRoles leaves out actors.
func (p *plan) withoutRoles(kind string) (best *plan, smaller bool) {
	best = p
	for i := 0; i < len(best.cast); {
		q := best.copy()
		name := q.cast[i].name
		q.cast = slices.Delete(q.cast, i, i+1)
		q.ops = slices.DeleteFunc(q.ops, func(x op) bool { return x.who == name })
		if q = q.failing(kind); q != nil {
			best, smaller = q, true
		} else {
			i++
		}
	}
	return best, smaller
}

// onBetterNetwork has less go wrong around the actors.
func (p *plan) onBetterNetwork(kind string) (best *plan, smaller bool) {
	best = p
	for _, better := range []func(*plan){
		func(q *plan) { q.options.Loss = 0 },
		func(q *plan) { q.options.Loss /= 2 },
		func(q *plan) { q.options.Duplicate = 0 },
		func(q *plan) { q.options.EIO, q.options.ENOSPC = 0, 0 },
		func(q *plan) { q.options.Split = false },
		func(q *plan) { q.options.Delay.Min = q.options.Delay.Max },
		func(q *plan) { q.options.Commit.Min = q.options.Commit.Max },
		func(q *plan) { q.options.Stream.Min = q.options.Stream.Max },
		func(q *plan) { q.options.Shards = 1 },
	} {
		q := best.copy()
		better(q)
		if q.options.Loss < 0.01 {
			q.options.Loss = 0
		}
		if q.String() == best.String() {
			continue
		}
		if q = q.failing(kind); q != nil {
			best, smaller = q, true
		}
	}
	return best, smaller
}
