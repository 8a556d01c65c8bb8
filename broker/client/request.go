package client

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
)

// A request waits for the answer with its packet id.
type request struct {
	want   mqtt.Type
	answer chan answer
}

// An answer is an acknowledgement.
type answer struct {
	codes []byte
	code  mqtt.ReasonCode
}

// send writes one packet. If ctx ends first, the packet may be cut and the
// connection ends with it. An error is why the connection ended.
func (c *Client) send(ctx context.Context, p mqtt.Packet) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	cut := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		c.conn.SetWriteDeadline(time.Unix(1, 0))
		close(cut)
	})
	err := c.write(p)
	if !stop() {
		<-cut
		c.conn.SetWriteDeadline(time.Time{})
	}
	if err != nil {
		c.fail(err)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return c.ended()
	}
	return nil
}

func (c *Client) write(p mqtt.Packet) error {
	c.options.Log("Client %s sending %v", c.options.ClientID, p.Type())
	_, err := c.conn.Write(p.AppendTo(nil, c.options.Version))
	c.mu.Lock()
	c.alive.written = time.Now()
	c.mu.Unlock()
	return err
}

// ask sends what build makes of a packet id and waits for the answer. Until it
// comes the id is not used again, even if nobody waits any more.
func (c *Client) ask(ctx context.Context, want mqtt.Type, build func(id uint16) mqtt.Packet) (answer, error) {
	r := request{want, make(chan answer, 1)}
	c.mu.Lock()
	for taken := true; taken || c.lastID == 0; _, taken = c.pending[c.lastID] {
		c.lastID++
	}
	id := c.lastID
	c.pending[id] = r
	c.mu.Unlock()
	if err := c.send(ctx, build(id)); err != nil {
		c.settle(want, id)
		return answer{}, err
	}
	select {
	case a := <-r.answer:
		return a, nil
	case <-ctx.Done():
		return answer{}, ctx.Err()
	case <-c.done:
	}
	select {
	case a := <-r.answer: // it came just before the end
		return a, nil
	default:
		return answer{}, c.ended()
	}
}

func (c *Client) ended() error {
	if err := c.Err(); err != nil {
		return err
	}
	return net.ErrClosed
}

func (c *Client) answer(t mqtt.Type, id uint16, a answer) {
	if r, ok := c.settle(t, id); ok {
		r.answer <- a
	}
}

// settle takes the request that waits for an answer of type t, and frees its id.
func (c *Client) settle(t mqtt.Type, id uint16) (r request, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok = c.pending[id]
	if !ok || r.want != t {
		return r, false
	}
	delete(c.pending, id)
	if t == mqtt.TypePuback || t == mqtt.TypePubcomp {
		<-c.inflight
	}
	return r, true
}

// Publish sends a message, and at QoS 1 and 2 waits until the server has it.
func (c *Client) Publish(ctx context.Context, m Message) error {
	p := mqtt.Publish{QoS: mqtt.QoS(m.QoS), Retain: m.Retain, Topic: []byte(m.Topic), Payload: m.Payload}
	switch size := p.Size(c.options.Version); {
	case m.QoS > c.limits.qos:
		return fmt.Errorf("QoS %d: the highest that can be sent is %d", m.QoS, c.limits.qos)
	case len(m.Topic) > 0xFFFF:
		return fmt.Errorf("the topic has %d octets; 65,535 are the most", len(m.Topic))
	case size > c.limits.packet:
		return fmt.Errorf("the message makes a packet of %d octets; %d are the most", size, c.limits.packet)
	case m.QoS == 0:
		return c.send(ctx, &p)
	}
	select {
	case c.inflight <- struct{}{}:
	case <-c.done:
		return c.ended()
	case <-ctx.Done():
		return ctx.Err()
	}
	want := mqtt.TypePuback
	if m.QoS == 2 { // PUBREC goes on by itself
		want = mqtt.TypePubcomp
	}
	a, err := c.ask(ctx, want, func(id uint16) mqtt.Packet { p.PacketID = id; return &p })
	if err == nil && a.code.Failed() {
		return fmt.Errorf("publish refused: %v", a.code)
	}
	return err
}

// Subscribe subscribes and returns the code of each filter.
func (c *Client) Subscribe(ctx context.Context, qos byte, filters ...string) ([]byte, error) {
	return c.SubscribeWith(ctx, mqtt.SubscribeOptions{QoS: mqtt.QoS(qos)}, filters...)
}

// SubscribeWith is Subscribe with all options of 5.0; 3.1.1 knows the QoS only.
func (c *Client) SubscribeWith(ctx context.Context, o mqtt.SubscribeOptions, filters ...string) ([]byte, error) {
	if c.options.Version < mqtt.V5 {
		o = mqtt.SubscribeOptions{QoS: o.QoS}
	}
	var raw []byte
	for _, f := range filters {
		raw = mqtt.AppendFilter(raw, f, o)
	}
	a, err := c.ask(ctx, mqtt.TypeSuback, func(id uint16) mqtt.Packet {
		return &mqtt.Subscribe{PacketID: id, Filters: mqtt.NewFilters(raw)}
	})
	return a.codes, err
}

// Unsubscribe ends subscriptions and returns, in 5.0, the code of each filter.
func (c *Client) Unsubscribe(ctx context.Context, filters ...string) ([]byte, error) {
	var raw []byte
	for _, f := range filters {
		raw = mqtt.AppendName(raw, f)
	}
	a, err := c.ask(ctx, mqtt.TypeUnsuback, func(id uint16) mqtt.Packet {
		return &mqtt.Unsubscribe{PacketID: id, Filters: mqtt.NewNames(raw)}
	})
	return a.codes, err
}
