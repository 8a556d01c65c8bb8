package world

import "slices"

// A member is somebody's part in a shared subscription.
type member struct {
	*subject
	*span
}

// ways is in how many ways a message may come to an actor: by its own
// subscriptions, and by each that it shares.
func (s *subject) ways(m *message) int {
	shares := map[string]bool{}
	for _, x := range s.spans {
		if x.shared && matches(x.names, m.topic) {
			shares[x.filter] = true
		}
	}
	return 1 + len(shares)
}

// checkGroups: a message comes to one member of each group.
func (h *history) checkGroups() {
	groups := map[string][]member{}
	var names []string
	for _, s := range h.subjects {
		for _, x := range s.spans {
			if x.shared {
				if groups[x.filter] == nil {
					names = append(names, x.filter)
				}
				groups[x.filter] = append(groups[x.filter], member{s, x})
			}
		}
	}
	for _, name := range names {
		for _, m := range h.messages {
			if matches(groups[name][0].names, m.topic) && onlyBy(groups[name], m) {
				h.checkGroup(name, groups[name], m)
			}
		}
	}
}

// onlyBy says whether what the members got of a message, they got as members of
// this group.
func onlyBy(group []member, m *message) bool {
	return m.payload != "" && !m.will && !slices.ContainsFunc(group, func(a member) bool {
		return slices.ContainsFunc(a.subject.spans, func(x *span) bool {
			return x.filter != a.filter && matches(x.names, m.topic)
		})
	})
}

func (h *history) checkGroup(name string, group []member, m *message) {
	got, twice := 0, 0
	seen := map[*subject]bool{}
	for _, a := range group {
		if seen[a.subject] {
			continue
		}
		seen[a.subject] = true
		for _, r := range a.got {
			if r.message == m && !r.retain {
				if got++; r.qos == 2 {
					twice++
				}
			}
		}
	}
	if m.acked != never && !m.refused && got == 0 && dueToGroup(group, m) {
		h.violate("nobody of %s got %q (QoS %d, acknowledged %s)", name, m.payload, m.qos, Clock(m.acked))
	}
	if twice > 1+m.anew && !slices.ContainsFunc(group, func(a member) bool { return len(a.ends) > 1 }) {
		h.violate("%s got %q %d times at QoS 2, sent anew %d times", name, m.payload, twice, m.anew)
	}
}

// dueToGroup says whether somebody of a group must get a message: one member
// surely was there and stays, for with the last one what waits is dropped; and no
// other may have lost it.
func dueToGroup(group []member, m *message) bool {
	return m.qos > 0 && slices.ContainsFunc(group, func(a member) bool { return a.certain(a.span, m) && a.unasked == never }) &&
		!slices.ContainsFunc(group, func(a member) bool {
			return a.qos == 0 || m.qos == 2 && a.qos == 2 && slices.ContainsFunc(a.ends, func(e *ending) bool { return e.by > a.asked })
		})
}
