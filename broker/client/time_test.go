package client

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
)

func pong(p mqtt.Packet) []mqtt.Packet {
	if p.Type() == mqtt.TypePingreq {
		return []mqtt.Packet{&mqtt.Pingresp{}}
	}
	return nil
}

func TestKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := connected(t, Options{KeepAlive: time.Minute}, pong)
		for range 10 { // never more than the keep alive between packets [MQTT-3.1.2-20]
			before := time.Now()
			require.Equal(t, "PINGREQ", <-s.got)
			require.LessOrEqual(t, time.Since(before), time.Minute)
		}
		c.Close()
		require.Equal(t, "DISCONNECT", <-s.got)
	})
}

// The server's keep alive holds instead of ours [MQTT-3.1.2-21].
func TestServerKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		props := mqtt.NewProperties(mqtt.AppendUint16(nil, mqtt.ServerKeepAlive, 10))
		c, s := connected(t, Options{}, func(p mqtt.Packet) []mqtt.Packet {
			if p.Type() == mqtt.TypeConnect {
				return []mqtt.Packet{&mqtt.Connack{Properties: props}}
			}
			return pong(p)
		})
		before := time.Now()
		require.Equal(t, "PINGREQ", <-s.got)
		require.LessOrEqual(t, time.Since(before), 10*time.Second)
		c.Close()
	})
}

func TestSilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := connected(t, Options{KeepAlive: time.Minute}, nil)
		before := time.Now()
		<-c.Done()
		require.Equal(t, errSilent, c.Err())
		require.LessOrEqual(t, time.Since(before), 90*time.Second)
		c.Close()
	})
}

// An application that takes its time is no silent server.
func TestBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := connected(t, Options{KeepAlive: time.Minute, Queue: -1}, nil)
		go s.send(&mqtt.Publish{Topic: []byte("t"), QoS: 1, PacketID: 1}, &mqtt.Publish{Topic: []byte("t"), QoS: 1, PacketID: 2})
		time.Sleep(10*time.Minute + time.Second) // between two ticks
		synctest.Wait()
		require.NoError(t, c.Err())
		for len(s.got) > 0 { // nothing is acknowledged that was not taken
			require.Equal(t, "PINGREQ", <-s.got)
		}
		<-c.Messages()
		require.Equal(t, "PUBACK", <-s.got)
		<-c.Messages()
		require.Equal(t, "PUBACK", <-s.got)
		require.NoError(t, c.Err())
		c.Close()
	})
}

// A message that nobody takes is not acknowledged by Close.
func TestCloseWhileAMessageWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := connected(t, Options{Queue: -1}, nil)
		s.send(&mqtt.Publish{Topic: []byte("t"), QoS: 1, PacketID: 1})
		synctest.Wait()
		c.Close()
		require.Equal(t, "DISCONNECT", <-s.got)
		require.Empty(t, s.got)
	})
}

// Exactly once (4.3.3): repeated, the message is handed over once.
func TestQoS2Arrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := connected(t, Options{}, nil)
		p := &mqtt.Publish{Topic: []byte("t"), QoS: 2, PacketID: 5}
		s.send(p, p)
		require.Equal(t, "PUBREC", <-s.got)
		require.Equal(t, "PUBREC", <-s.got)
		s.send(&mqtt.Pubrel{PacketID: 5})
		require.Equal(t, "PUBCOMP", <-s.got)
		require.Len(t, c.Messages(), 1)
		s.send(p)
		require.Equal(t, "PUBREC", <-s.got)
		require.Len(t, c.Messages(), 2)
		c.Close()
	})
}

// A write that the context cuts off ends the connection: nobody knows how much
// of the packet went out.
func TestCutWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		c, _ := connected(t, Options{}, func(p mqtt.Packet) []mqtt.Packet {
			if p.Type() == mqtt.TypePublish {
				<-stuck
			}
			return nil
		})
		require.NoError(t, c.Publish(t.Context(), Message{Topic: "t"}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, c.Publish(ctx, Message{Topic: "t"}), context.DeadlineExceeded)
		<-c.Done()
		require.Error(t, c.Err())
		close(stuck)
		c.Close()
	})
}

// An answer that never comes leaves its id unused and the connection alive.
func TestAnswerTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := connected(t, Options{}, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, c.Publish(ctx, Message{Topic: "t", QoS: 1}), context.DeadlineExceeded)
		require.Len(t, c.pending, 1)
		s.send(&mqtt.Suback{PacketID: 1, Codes: []byte{0}}) // not the answer
		s.send(&mqtt.Puback{PacketID: 1})
		synctest.Wait()
		require.Empty(t, c.pending)
		require.Empty(t, c.inflight)
		require.NoError(t, c.Err())
		c.Close()
	})
}
