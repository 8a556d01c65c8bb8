package loop

import (
	"slices"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// flush sends what the round left, to each connection and link once.
func (l *Loop) flush() {
	outputs := l.out.Outputs()
	for i := range outputs {
		if o := &outputs[i]; l.poll != nil && l.poll.send(o) {
			continue
		} else if s := l.streams[o.Conn]; s != nil {
			s.send(o)
		}
	}
	var others map[shard.LinkID][]radio.Datagram // by links of other shards
	outgoing := l.out.Outgoing()
	for i := range outgoing {
		d := &outgoing[i]
		if k := l.links[d.Link]; k != nil {
			k.add(radio.Datagram{Addr: d.To, Local: d.Local, Data: d.Data})
			continue
		}
		if others == nil {
			others = map[shard.LinkID][]radio.Datagram{}
		}
		others[d.Link] = append(others[d.Link], radio.Datagram{Addr: d.To, Local: d.Local, Data: slices.Clone(d.Data)})
	}
	for link, batch := range others {
		l.sendBy(link, batch)
	}
	for i, k := range l.sending {
		l.sending[i] = nil
		k.send()
	}
	l.sending = l.sending[:0]
}
