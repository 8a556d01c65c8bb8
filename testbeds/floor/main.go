// Command floor is a broker that does nothing but the system calls that no
// broker can avoid: what it costs is the floor that the figures of
// docs/performance.md refer to.
//
// One thread waits in epoll. Each round reads every readable socket once and
// writes every destination once, acknowledgements and messages together;
// datagrams come and go in batches. It keeps no sessions and checks next to
// nothing. Of filters it knows exact topic names and a trailing "#". A message
// is forwarded with the QoS, the flags and the packet identifier it came with;
// nothing is sent again.
//
// It believes its clients: for benchmarks on this host, never for a network.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	mqtt := flag.String("mqtt", "127.0.0.1:0", "TCP address for MQTT 3.1.1")
	mqttsn := flag.String("mqttsn", "127.0.0.1:0", "UDP address for MQTT-SN 1.2")
	flag.Parse()
	if err := serve(*mqtt, *mqttsn); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}
