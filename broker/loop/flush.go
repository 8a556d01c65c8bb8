package loop

import "github.com/dormouse-mqtt/dormouse/radio"

// flush sends what the round left, to each connection and link once.
func (l *Loop) flush() {
	outputs := l.out.Outputs()
	for i := range outputs {
		if s := l.streams[outputs[i].Conn]; s != nil {
			s.send(&outputs[i])
		}
	}
	outgoing := l.out.Outgoing()
	for i := range outgoing {
		d := &outgoing[i]
		if k := l.links[d.Link]; k != nil {
			k.out = append(k.out, radio.Datagram{Addr: d.To, Local: d.Local, Data: d.Data})
		}
	}
	if len(outgoing) > 0 {
		for _, k := range l.links {
			k.send()
		}
	}
}
