package world

import (
	"maps"
	"slices"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// count is how many messages were received.
func (h *history) count() (n int) {
	for _, s := range h.subjects {
		n += len(s.got)
	}
	return n
}

// check judges the whole history.
func (h *history) check() {
	h.checkGroups()
	if h.world.Damaged > 0 {
		h.violate("%d stored values were damaged", h.world.Damaged)
	}
	for _, s := range h.subjects {
		copies := map[*message][]receipt{}
		for _, r := range s.got {
			copies[r.message] = append(copies[r.message], r)
		}
		for _, m := range h.messages {
			h.checkDue(s, m, copies[m])
			h.checkCopies(s, m, copies[m])
			h.checkWill(s, m, copies[m])
		}
		h.checkKept(s)
		for _, r := range s.got {
			h.checkAllowed(s, r)
		}
		h.checkOrder(s)
	}
}

// checkDue: what was acknowledged and subscribed to at QoS 1 or 2 is received.
func (h *history) checkDue(s *subject, m *message, copies []receipt) {
	if m.acked == never || m.refused || m.payload == "" {
		return
	}
	x := s.covering(m)
	if x != nil && !slices.ContainsFunc(copies, func(r receipt) bool { return !r.retain }) {
		h.violate("%s did not get %q (QoS %d, acknowledged %s), subscribed to %s since %s", s.name, m.payload, m.qos, Clock(m.acked), x.filter, Clock(x.acked))
	}
}

// due says whether a message must come by a subscription.
func (s *subject) due(x *span, m *message) bool {
	return !x.shared && min(x.qos, m.qos) > 0 && s.certain(x, m)
}

// certain says whether a subscription surely was there whenever a message may
// have come to the server, in a session that goes on.
func (s *subject) certain(x *span, m *message) bool {
	if x.acked >= m.first || x.unasked <= m.acked || !matches(x.names, m.topic) {
		return false
	}
	return !slices.ContainsFunc(s.ends, func(e *ending) bool { return e.by > x.asked })
}

// checkCopies: no more copies than there may be.
func (h *history) checkCopies(s *subject, m *message, copies []receipt) {
	var twos, ones, zeros int
	inSession := map[int]int{} // exactly once in each session
	for _, r := range copies {
		switch {
		case r.retain:
		case r.qos == 2:
			session := s.session(r.at)
			inSession[session]++
			twos = max(twos, inSession[session])
		case r.qos == 1 && !r.dup:
			ones++
		case r.qos == 0:
			zeros++
		}
	}
	ways := s.ways(m)
	if m.qos == 2 && twos > ways*(1+m.anew) {
		h.violate("%s got %q %d times at QoS 2, sent anew %d times", s.name, m.payload, twos, m.anew)
	}
	if s.node || m.node || m.will {
		return // the network repeats datagrams
	}
	if m.sends == 1 && len(h.crashes) == 0 && ways == 1 && ones > 1 { // a group may give it to the same member anew
		h.violate("%s got %q %d times at QoS 1 without DUP, sent once", s.name, m.payload, ones)
	}
	if zeros > ways*m.sends {
		h.violate("%s got %q %d times at QoS 0, sent %d times", s.name, m.payload, zeros, m.sends)
	}
}

// noticed is how long it takes until the server has noticed that a stream ended,
// and until what follows from that is on a disk that fails at times.
const noticed = 15 * time.Second

// checkWill: a will comes when its connection broke, and not after DISCONNECT.
func (h *history) checkWill(s *subject, m *message, copies []receipt) {
	switch {
	case !m.will || m.began == never:
	case m.revoked != never && len(copies) > 0 && !h.crashed(m.began, m.revoked+noticed):
		h.violate("%s got the will %q of a client that said goodbye at %s", s.name, m.payload, Clock(m.revoked))
	case m.due != never && len(copies) == 0 && !h.crashed(m.began, m.due+noticed):
		m := *m // as if it had been published
		m.first, m.acked = m.due, m.due+noticed
		if x := s.covering(&m); x != nil {
			h.violate("%s did not get the will %q of a connection that broke at %s, subscribed to %s since %s", s.name, m.payload, Clock(m.due), x.filter, Clock(x.acked))
		}
	}
}

// covering is the subscription that a message must come by; nil: it need not.
func (s *subject) covering(m *message) *span {
	if i := slices.IndexFunc(s.spans, func(x *span) bool { return s.due(x, m) }); i >= 0 {
		return s.spans[i]
	}
	return nil
}

// retainedWithin is how long it may take until a new subscription has brought
// what is retained.
const retainedWithin = 10 * time.Second

// checkKept: a subscription brings the retained messages that were there.
func (h *history) checkKept(s *subject) {
	if s.node || h.disk {
		return
	}
	for _, x := range s.spans {
		if x.shared {
			continue // it brings none (4.8.2)
		}
		cut := slices.ContainsFunc(s.cuts, func(at shard.Time) bool { return x.asked <= at && at < x.asked+retainedWithin })
		if x.acked == never || x.unasked < x.asked+retainedWithin || cut || h.crashed(x.asked, x.asked+retainedWithin) {
			continue
		}
		for _, m := range h.messages {
			if !h.keptThroughout(x, m) || min(m.qos, x.qos) == 0 {
				continue
			}
			if !slices.ContainsFunc(s.got, func(r receipt) bool { return r.message == m && r.retain && r.at >= x.asked }) {
				h.violate("%s did not get the retained %q, which it subscribed to by %s at %s", s.name, m.payload, x.filter, Clock(x.asked))
			}
		}
	}
}

// keptThroughout says whether a message surely was what was retained on its
// topic while somebody subscribed to it.
func (h *history) keptThroughout(x *span, m *message) bool {
	if !m.retain || m.payload == "" || m.acked == never || m.acked >= x.asked || !matches(x.names, m.topic) {
		return false
	}
	return !slices.ContainsFunc(h.messages, func(other *message) bool {
		return other != m && other.retain && other.topic == m.topic && other.sends > 0 &&
			other.first <= x.asked+retainedWithin && !replaces(m, other, h.world.options.late())
	})
}

// session numbers the sessions of an actor.
func (s *subject) session(at shard.Time) (n int) {
	for _, e := range s.ends {
		if e.by < at {
			n++
		}
	}
	return n
}

// checkAllowed: nothing comes that was not asked for, and nothing at a higher
// QoS.
func (h *history) checkAllowed(s *subject, r receipt) {
	m := r.message
	switch {
	case r.at < m.first:
		h.violate("%s got %q before it was sent", s.name, m.payload)
		return
	case r.qos > m.qos:
		h.violate("%s got %q at QoS %d, sent at %d", s.name, m.payload, r.qos, m.qos)
		return
	case r.retain && !m.retain:
		h.violate("%s got %q as a retained message", s.name, m.payload)
		return
	}
	highest := -1
	for _, x := range s.spans {
		if s.covers(x, r) {
			highest = max(highest, int(x.qos))
		}
	}
	if highest < int(r.qos) {
		h.violate("%s got %q at QoS %d at %s, subscribed at %d", s.name, m.payload, r.qos, Clock(r.at), highest)
	}
}

// covers says whether a subscription may be what a message was received for.
func (s *subject) covers(x *span, r receipt) bool {
	if x.asked > r.at || x.shared && r.retain || !matches(x.names, r.message.topic) {
		return false
	}
	over := x.unacked
	if s.node && over != never {
		over += s.slack
	}
	if !r.retain && over < r.message.first {
		return false
	}
	return !slices.ContainsFunc(s.ends, func(e *ending) bool { return e.by > x.asked && e.by+s.slack < r.at })
}

// A stream is what keeps its order: one publisher's messages on one topic, at
// one QoS from end to end.
type stream struct {
	publisher, topic string
	qos, got         byte
}

// checkOrder: the first copies of a stream's messages come in the order in which
// they were published.
func (h *history) checkOrder(s *subject) {
	newest := map[stream]*message{}
	seen := map[*message]bool{}
	for _, r := range s.got {
		m := r.message
		if r.retain || seen[m] || s.ways(m) > 1 || m.anew > 0 || m.will || r.qos == 0 && (s.node || m.node) {
			continue
		}
		if m.node && m.qos == 0 || !slices.ContainsFunc(s.spans, func(x *span) bool { return s.certain(x, m) }) {
			continue // what is sent again may be the first that a new subscriber gets
		}
		seen[m] = true
		key := stream{m.publisher, m.topic, m.qos, r.qos}
		if before := newest[key]; before != nil && before.seq > m.seq {
			h.violate("%s got %q after %q", s.name, m.payload, before.payload)
			continue
		}
		newest[key] = m
	}
}

// checkRetained: what is retained in the end is what was acknowledged last, or
// what may have been.
func (h *history) checkRetained(kept map[string]string) {
	topics := map[string][]*message{}
	for _, m := range h.messages {
		if m.retain && m.sends > 0 {
			topics[m.topic] = append(topics[m.topic], m)
		}
	}
	for _, topic := range slices.Sorted(maps.Keys(topics)) {
		all := topics[topic]
		got := kept[topic]
		delete(kept, topic)
		allowed := got == "" && !slices.ContainsFunc(all, func(m *message) bool { return m.acked != never && m.payload != "" })
		for _, m := range all {
			if m.payload == got && !slices.ContainsFunc(all, func(later *message) bool { return replaces(later, m, h.world.options.late()) }) {
				allowed = true
			}
		}
		if !allowed {
			h.violate("retained on %s: %q, which is not the last", topic, got)
		}
	}
	for _, topic := range slices.Sorted(maps.Keys(kept)) {
		h.violate("retained on %s: %q, which nobody retained", topic, kept[topic])
	}
}

// replaces says whether later certainly came after m at the server.
func replaces(later, m *message, slack shard.Time) bool {
	if later == m || later.acked == never || later.refused {
		return false
	}
	if later.publisher == m.publisher && !m.node && later.seq > m.seq && m.last < later.acked && m.anew == 0 {
		// What is sent again at QoS 1 is published again, what follows it at QoS 2 is not.
		return m.qos == 2 || later.qos < 2 || m.last < later.first
	}
	end := m.acked
	switch {
	case m.node:
		end = m.last + slack
	case m.acked == never && m.qos == 0:
		end = m.last + 2*time.Second
	}
	return later.first > end
}
