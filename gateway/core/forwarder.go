package core

import (
	"strings"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// maxBehind is how many nodes of a shard one forwarder may speak for (P16).
const maxBehind = 1000

// A forwarder is a peer that speaks for nodes (5.5).
type forwarder struct {
	link shard.LinkID
	peer radio.Addr
}

func (a *Address) forwarder() forwarder { return forwarder{a.link, a.peer} }

// forwarderName tells the nodes of one forwarder from those of another (C5). Of
// UDP the IP address counts: ports change.
func (o *origin) forwarderName() string {
	if o.peer.Kind() == radio.KindUDP {
		return o.peer.AddrPort().Addr().String()
	}
	return strings.ReplaceAll(o.peer.String(), ":", "-")
}
