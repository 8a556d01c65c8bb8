package core

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/session"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

func TestRetainedAreBounded(t *testing.T) {
	var out shard.Out
	out.BeginRound()
	c := New(NewDirectory(), Options{MaxRetained: 2})
	publish := func(topic, payload string) {
		c.Publish(0, 0, &session.Message{Topic: topic, Payload: []byte(payload), Retain: true}, &out)
	}
	for _, topic := range []string{"a", "b", "c"} {
		publish(topic, "1")
	}
	require.Equal(t, 2, c.Stats().Retained)
	require.EqualValues(t, 1, c.Stats().Unretained)
	publish("a", "2") // one that is there may change
	require.EqualValues(t, 1, c.Stats().Unretained)
	publish("b", "") // and make room
	publish("c", "1")
	require.Equal(t, 2, c.Stats().Retained)
	require.True(t, c.isRetained("c"))
}
