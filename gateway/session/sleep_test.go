package session

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// TestS15Patience: tolerance by the spec, and as long as S4 takes to give up.
func TestS15Patience(t *testing.T) {
	for _, tt := range []struct {
		sleep uint16
		until time.Duration
	}{
		{10, 15 * time.Second}, {60, 90 * time.Second}, {100, 110 * time.Second}, {36_000, 39_600 * time.Second},
	} {
		r := connect(t, true)
		r.sleeps(tt.sleep)
		r.run(tt.until + 4*time.Second - 1)
		require.Equal(t, Asleep, r.s.State())
		r.run(1)
		require.Equal(t, Gone, r.s.State())
		require.Equal(t, "lost", r.closed)
	}
}

// TestS13SleepAgain: the new duration counts from now.
func TestS13SleepAgain(t *testing.T) {
	r := connect(t, false)
	r.subscribed("a")
	r.sleeps(60)
	r.queued(1, "a", "x")
	r.run(time.Minute)
	r.sleeps(600)
	r.run(10 * time.Minute)
	require.Equal(t, Asleep, r.s.State())
	r.wakes()
	r.hears("PUBLISH 1 1 x")
}

// TestS14SleeperSpeaks: served at once, still asleep, a sign of life.
func TestS14SleeperSpeaks(t *testing.T) {
	r := connect(t, false)
	r.sleeps(60)
	r.queued(0, "b", "x")
	r.run(time.Minute)
	r.step(&mqttsn.Register{MsgID: 1, TopicName: []byte("a")})
	r.commit()
	r.step(message(2, 2, "x"))
	r.commit()
	r.step(pubrel(2), &mqttsn.Subscribe{MsgID: 9, TopicName: []byte("c")}, &mqttsn.Unsubscribe{MsgID: 4, TopicName: []byte("c")})
	r.commit()
	r.hears("REGACK 1 1 0", "PUBREC 2", "PUBCOMP 2", "SUBACK 2 0 0", "UNSUBACK")
	require.Equal(t, Asleep, r.s.State())
	r.run(80 * time.Second)
	require.Equal(t, Asleep, r.s.State())
}

// TestS16AwakeIsBounded: a node that dies in the middle is lost like any sleeper.
func TestS16AwakeIsBounded(t *testing.T) {
	r := connect(t, false)
	r.subscribed("a")
	r.sleeps(60)
	r.queued(1, "a", "x")
	r.wakes()
	r.run(time.Hour)
	require.Equal(t, Gone, r.s.State())
	require.Equal(t, "lost", r.closed)
}

// TestS17LostSleeperIsNotFoundAsleep by a restart.
func TestS17LostSleeperIsNotFoundAsleep(t *testing.T) {
	for _, goodbye := range []bool{true, false} {
		r := connect(t, false)
		r.sleeps(60)
		if goodbye {
			r.step(&mqttsn.Disconnect{})
		} else {
			r.run(time.Hour)
		}
		rec, err := ParseRecord(r.ext, nil, 0)
		require.NoError(t, err)
		require.False(t, rec.Asleep)
	}
}

// TestC2ConnectEndsTheSleep: a restart does not find the node asleep.
func TestC2ConnectEndsTheSleep(t *testing.T) {
	r := connect(t, false)
	r.sleeps(60)
	r.reconnect(false)
	rec, err := ParseRecord(r.ext, nil, 0)
	require.NoError(t, err)
	require.False(t, rec.Asleep)
	before := r.extended
	r.reconnect(false)
	require.Equal(t, before, r.extended, "nothing has changed")
}

// TestS20AWakeWritesNothing: registrations are kept, and the end of a sleep is
// not stored again (L14).
func TestS20AWakeWritesNothing(t *testing.T) {
	r := connect(t, false)
	r.subscribed("a")
	r.sleeps(60)
	before := r.extended
	for range 3 {
		r.run(time.Minute)
		r.queued(1, "a", "x")
		r.wakes()
		r.step(puback(r.lastID))
	}
	require.Equal(t, before, r.extended)
	r.hears("PUBLISH 1 1 x", "PINGRESP", "PUBLISH 1 2 x", "PINGRESP", "PUBLISH 1 3 x", "PINGRESP")
}

// TestL14AfterARestart: asleep until the later of what was stored and of what the
// node announced, counted from now, whatever the wall clock says.
func TestL14AfterARestart(t *testing.T) {
	const full = 110*time.Second + 4*time.Second
	for _, tt := range []struct {
		name          string
		passed, moved time.Duration // in truth, and by the wall clock
		want          time.Duration
	}{
		{"at once", time.Second, time.Second, full},
		{"long after", time.Hour, time.Hour, full},
		{"the clock went back", time.Second, -1000 * time.Hour, full},
		{"the clock went on", time.Second, 1000 * time.Hour, full},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := connect(t, false)
			r.sleeps(100)
			rec, err := ParseRecord(r.ext, nil, r.Wall()+tt.moved)
			require.NoError(t, err)
			s := Load(0, 1, &rec, "n", r.limits(), &Predefined{})
			require.Equal(t, tt.want, s.Deadline())
		})
	}
}
