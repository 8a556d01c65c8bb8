package world

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
)

// lossy is a network on which one datagram of five is lost, some come twice,
// and all of them overtake each other.
func lossy() Options {
	return Options{
		Loss: 0.2, Duplicate: 0.1, Split: true,
		Delay:  Range{5 * time.Millisecond, 150 * time.Millisecond},
		Stream: Range{0, 20 * time.Millisecond},
		Commit: Range{time.Millisecond, 80 * time.Millisecond},
	}
}

// A lossyWorld is five nodes that publish, two of which sleep afterwards, a
// client that has subscribed to all of it and comes and goes, and one that writes to the nodes.
type lossyWorld struct {
	*World
	nodes    []*robot
	received map[string]int // by the subscriber, payloads
	sent     map[string][]string
	accepted int // PUBACKs that the writer got
}

const lossyMessages = 10

func newLossyWorld(seed uint64) *lossyWorld {
	w := &lossyWorld{World: New(seed, lossy()), received: map[string]int{}, sent: map[string][]string{}}
	subscriber := w.Client("subscriber")
	subscriber.Got = func(p mqtt.Packet) {
		if p, ok := p.(*mqtt.Publish); ok {
			w.received[string(p.Payload)]++
			if p.QoS > 0 {
				subscriber.Send(&mqtt.Puback{PacketID: p.PacketID})
			}
		}
	}
	connect := func() {
		subscriber.Connect(&mqtt.Connect{
			Version: mqtt.V5, ClientID: []byte("subscriber"),
			Properties: mqtt.NewProperties(mqtt.AppendUint32(nil, mqtt.SessionExpiryInterval, 600)),
		})
	}
	connect()
	subscriber.Subscribe(1, "from/#", 1)
	w.Run(time.Second)
	for i := range time.Duration(10) { // its session does not mind
		w.After((i*7+3)*time.Second, subscriber.Drop)
		w.After((i*7+5)*time.Second, connect)
	}
	for i := range 5 {
		var sleep time.Duration
		if i < 3 {
			sleep = time.Duration(i+1) * 7 * time.Second
		}
		name := fmt.Sprintf("n%d", i)
		w.nodes = append(w.nodes, w.robot(name, "from/"+name, lossyMessages, 500*time.Millisecond, sleep))
	}
	w.Run(30 * time.Second)
	w.write()
	return w
}

// write has a client send messages to each node, a second or so apart.
func (w *lossyWorld) write() {
	writer := w.Client("writer")
	writer.Got = func(p mqtt.Packet) {
		if _, ok := p.(*mqtt.Puback); ok {
			w.accepted++
		}
	}
	writer.Connect(&mqtt.Connect{Version: mqtt.V311, CleanStart: true, ClientID: []byte("writer")})
	w.Run(time.Second)
	for i := range lossyMessages {
		for _, n := range w.nodes {
			topic := fmt.Sprintf("to/%s/%d", n.name, i%3)
			payload := fmt.Sprint(i)
			w.sent[n.name] = append(w.sent[n.name], topic+" "+payload)
			writer.Send(&mqtt.Publish{QoS: 1, PacketID: uint16(len(w.sent[n.name])*10 + len(w.sent)), Topic: []byte(topic), Payload: []byte(payload)})
		}
		w.Run(time.Duration(i) * 300 * time.Millisecond)
	}
}

func TestLossyWorld(t *testing.T) {
	for seed := range uint64(50) {
		w := newLossyWorld(seed)
		w.Run(10 * time.Minute)
		for _, n := range w.nodes {
			require.Len(t, n.acked, lossyMessages, "seed %d: %s got on with its work", seed, n.name)
			for _, m := range n.acked {
				require.Positive(t, w.received[m], "seed %d: %s was acknowledged and lost", seed, m)
			}
			require.Equal(t, w.sent[n.name], n.got, "seed %d: %s gets all of its messages, in order", seed, n.name)
		}
		require.Equal(t, len(w.nodes)*lossyMessages, w.accepted, "seed %d", seed)
		if t.Failed() {
			return
		}
	}
}

func TestSeedIsReplayed(t *testing.T) {
	run := func(seed uint64) *World {
		w := newLossyWorld(seed)
		w.Run(time.Minute)
		return w.World
	}
	first := run(7)
	require.Equal(t, first.Hash(), run(7).Hash())
	require.NotEqual(t, first.Hash(), run(8).Hash())
	require.Contains(t, first.Trace(), "gw->n0 PINGRESP", "sleepers slept")
}
