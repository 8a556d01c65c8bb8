package core

import (
	"maps"
	"slices"

	"github.com/dormouse-mqtt/dormouse/broker/session"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/topic"
)

// finishGroups puts shared subscriptions together, now that all sessions are
// there: their members, and the messages that are bound to one. Those without a
// member have ended (L7).
func (l *Loader) finishGroups(out *shard.Out) {
	byName := map[string]*Target{}
	for _, instance := range slices.Sorted(maps.Keys(l.groups)) {
		t := l.groups[instance]
		byName[t.group.name+"/"+t.group.filter] = t
	}
	for _, j := range l.joins {
		name, filter, _, _ := topic.ParseShared(j.shared)
		c := l.cores[j.client.target.Shard()]
		t := c.directory.Join(name, filter, &j.client.target, j.options.QoS, func() *Target {
			if t := byName[name+"/"+filter]; t != nil {
				return t
			}
			t := c.newGroupTarget(name, filter)
			c.putGroup(t, out)
			return t
		})
		j.client.joined(j.shared, t)
		g := l.groupOf(t)
		g.members.Join(&j.client.target)
		g.options[&j.client.target] = j.options
		g.stored = true
	}
	l.bind(out)
	for _, instance := range slices.Sorted(maps.Keys(l.groups)) {
		if t := l.groups[instance]; t.group.members.Len() == 0 {
			l.Garbage++
			l.groupOf(t).queue.Rewrite(func(e *shard.Entry) {
				if e.Shared {
					e.Sharers.Add(-1)
				}
			})
			session.DeleteAll(&out.Batch, instance)
		}
	}
}

// groupOf is the group of a target, with a queue on its shard.
func (l *Loader) groupOf(t *Target) *group { return l.cores[t.Shard()].groupOf(t) }

// bind gives messages of QoS 2 that were lent and sent to whom they were sent.
func (l *Loader) bind(out *shard.Out) {
	for _, f := range l.bound {
		cl, t := f.client, l.groups[f.Holder]
		var (
			e  shard.Entry
			ok bool
		)
		if t != nil {
			e, ok = l.groupOf(t).queue.Withdraw(f.Message)
		}
		if !ok {
			l.Garbage++
			l.recorder().DeleteFlight(&out.Batch, cl.Instance, f.PacketID)
			continue
		}
		e.QoS, e.Extra = 2, &shard.Extra{Group: t}
		t.group.options[&cl.target].mark(&e)
		cl.target.borrowed.Add(1)
		cl.Restore(e, e.ID, f.PacketID, false)
	}
}
