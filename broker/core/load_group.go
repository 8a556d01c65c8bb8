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
		c := l.cores[j.client.target.shard]
		t := c.directory.Join(name, filter, &j.client.target, func() *Target {
			if t := byName[name+"/"+filter]; t != nil {
				return t
			}
			t := c.newGroupTarget(name, filter)
			c.putGroup(t, out)
			return t
		})
		if j.client.groups == nil {
			j.client.groups = map[string]*Target{}
		}
		j.client.groups[j.shared] = t
		t.group.members.Join(&j.client.target)
		t.group.options[&j.client.target] = j.options
		t.group.stored = true
	}
	l.bind(out)
	for _, instance := range slices.Sorted(maps.Keys(l.groups)) {
		if t := l.groups[instance]; t.group.members.Len() == 0 {
			l.Garbage++
			t.group.queue.Rewrite(func(e *shard.Entry) {
				if e.Shared {
					e.Sharers.Add(-1)
				}
			})
			session.DeleteAll(&out.Batch, instance)
		}
	}
}

// bind gives messages of QoS 2 that were lent and sent to whom they were sent.
func (l *Loader) bind(out *shard.Out) {
	for _, f := range l.bound {
		cl, t := f.client, l.groups[f.Holder]
		var (
			e  shard.Entry
			ok bool
		)
		if t != nil {
			e, ok = t.group.queue.Withdraw(f.Message)
		}
		if !ok {
			l.Garbage++
			l.recorder().DeleteFlight(&out.Batch, cl.Instance, f.PacketID)
			continue
		}
		e.QoS, e.Extra = 2, &shard.Extra{Group: t}
		cl.target.borrowed.Add(1)
		cl.Restore(e, e.ID, f.PacketID, false)
	}
}
