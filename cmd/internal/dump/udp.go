package dump

import (
	"fmt"
	"slices"

	"github.com/gopacket/gopacket/layers"
)

// udp prints the message that a datagram from or to an MQTT-SN port is.
func (c *capture) udp(f *frame, u *layers.UDP) {
	ports := c.options.MQTTSNPorts
	if !slices.Contains(ports, uint16(u.SrcPort)) && !slices.Contains(ports, uint16(u.DstPort)) {
		return
	}
	src, dst := f.network.Endpoints()
	r := record{
		at:       f.info.Timestamp,
		src:      endpoint(src, uint16(u.SrcPort)),
		dst:      endpoint(dst, uint16(u.DstPort)),
		protocol: MQTTSN,
	}
	switch missing := int(u.Length) - 8 - len(u.Payload); {
	case missing > 0:
		r.notice = fmt.Sprintf("%d of %d octets are in the capture", len(u.Payload), int(u.Length)-8)
		c.print(&r)
	default:
		c.datagram(r, u.Payload)
	}
}
