package client

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
)

// next reads one packet.
func (c *Client) next(r *bufio.Reader, d *mqtt.Decoder) (mqtt.Packet, error) {
	head := make([]byte, 0, 5)
	for {
		octet, err := r.ReadByte()
		if err != nil {
			return nil, err
		}
		head = append(head, octet)
		size, err := mqtt.FrameSize(head, 0)
		if err != nil {
			return nil, err
		}
		if size == 0 {
			continue
		}
		whole := make([]byte, size)
		if _, err := io.ReadFull(r, whole[copy(whole, head):]); err != nil {
			return nil, err
		}
		p, err := d.Decode(whole, c.options.Version)
		if err == nil {
			c.options.Log("Client %s received %v", c.options.ClientID, p.Type())
		}
		return p, err
	}
}

// read handles packets until the connection ends.
func (c *Client) read(r *bufio.Reader) {
	d := &mqtt.Decoder{From: mqtt.FromServer}
	var err error
	for err == nil {
		var p mqtt.Packet
		if p, err = c.next(r, d); err == nil {
			c.hand(false)
			err = c.handle(p)
		}
	}
	c.fail(err)
	close(c.done)
	close(c.messages)
}

func (c *Client) handle(p mqtt.Packet) error {
	switch p := p.(type) {
	case *mqtt.Publish:
		return c.publish(p)
	case *mqtt.Pubrel:
		delete(c.exactly, p.PacketID)
		return c.acknowledge(&mqtt.Pubcomp{PacketID: p.PacketID})
	case *mqtt.Pubrec:
		if p.Code.Failed() { // the exchange ends with it [MQTT-4.3.3-4]
			c.answer(mqtt.TypePubcomp, p.PacketID, answer{code: p.Code})
			return nil
		}
		return c.acknowledge(&mqtt.Pubrel{PacketID: p.PacketID})
	case *mqtt.Puback:
		c.answer(p.Type(), p.PacketID, answer{code: p.Code})
	case *mqtt.Pubcomp:
		c.answer(p.Type(), p.PacketID, answer{code: p.Code})
	case *mqtt.Suback:
		c.answer(p.Type(), p.PacketID, answer{codes: bytes.Clone(p.Codes)})
	case *mqtt.Unsuback:
		c.answer(p.Type(), p.PacketID, answer{codes: bytes.Clone(p.Codes)})
	case *mqtt.Disconnect:
		return fmt.Errorf("disconnected by the server: %v", p.Code)
	}
	return nil
}

// publish hands a message over and acknowledges it then. Messages of QoS 2 come
// from a session in which somebody else subscribed; one that is repeated is
// handed over once (4.3.3, method B).
func (c *Client) publish(p *mqtt.Publish) error {
	if c.closing() {
		return nil // the session keeps it
	}
	c.accepting.Lock()
	defer c.accepting.Unlock()
	if p.QoS < mqtt.ExactlyOnce || !c.exactly[p.PacketID] {
		c.hand(true)
		select {
		case c.messages <- Message{string(p.Topic), bytes.Clone(p.Payload), byte(p.QoS), p.Retain}:
			c.hand(false)
		case <-c.ending:
			return nil
		}
	}
	switch p.QoS {
	case mqtt.AtLeastOnce:
		return c.send(context.Background(), &mqtt.Puback{PacketID: p.PacketID})
	case mqtt.ExactlyOnce:
		c.exactly[p.PacketID] = true
		return c.send(context.Background(), &mqtt.Pubrec{PacketID: p.PacketID})
	}
	return nil
}

// acknowledge sends p, but nothing follows DISCONNECT [MQTT-3.14.4-2].
func (c *Client) acknowledge(p mqtt.Packet) error {
	c.accepting.Lock()
	defer c.accepting.Unlock()
	if c.closing() {
		return nil
	}
	return c.send(context.Background(), p)
}
