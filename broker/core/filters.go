package core

import (
	"maps"
	"slices"
)

// Filters are the subscriptions of one session. Most have one or a few, which
// are searched one by one. Nil has none.
type filters struct {
	few  []filtered
	many map[string]Subscription // nil: they are few
}

type filtered struct {
	filter       string
	subscription Subscription
}

// fewFilters is how many are searched one by one.
const fewFilters = 8

func (f *filters) len() int {
	if f == nil {
		return 0
	}
	return len(f.few) + len(f.many)
}

func (f *filters) get(filter string) (s Subscription, have bool) {
	if f == nil {
		return s, false
	}
	if i := f.find(filter); i >= 0 {
		return f.few[i].subscription, true
	}
	s, have = f.many[filter]
	return s, have
}

func (f *filters) find(filter string) int {
	return slices.IndexFunc(f.few, func(e filtered) bool { return e.filter == filter })
}

func (f *filters) set(filter string, s Subscription) {
	switch i := f.find(filter); {
	case i >= 0:
		f.few[i].subscription = s
	case f.many == nil && len(f.few) < fewFilters:
		f.few = append(f.few, filtered{filter, s})
	default:
		if f.many == nil {
			f.many = make(map[string]Subscription, 2*fewFilters)
			for _, e := range f.few {
				f.many[e.filter] = e.subscription
			}
			f.few = nil
		}
		f.many[filter] = s
	}
}

func (f *filters) drop(filter string) {
	if f == nil {
		return
	}
	if i := f.find(filter); i >= 0 {
		f.few = slices.Delete(f.few, i, i+1)
	}
	delete(f.many, filter)
}

// sorted is the filters in an order that does not depend on how they came.
func (f *filters) sorted() []string {
	if f.len() == 0 {
		return nil
	}
	all := slices.AppendSeq(make([]string, 0, f.len()), maps.Keys(f.many))
	for _, e := range f.few {
		all = append(all, e.filter)
	}
	slices.Sort(all)
	return all
}
