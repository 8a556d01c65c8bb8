package bench

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/topic"
)

// A ScenarioError says that a scenario cannot be, and how it can.
type ScenarioError struct{ error }

func (e *ScenarioError) Unwrap() error { return e.error }

// check says what cannot be, or does not go together.
func (s *Scenario) check(sn bool) error {
	lowest, highest := 0, 2
	if sn && s.Direction == "up" {
		lowest = -1
	}
	switch {
	case s.Version != "3.1.1" && s.Version != "5.0":
		return fmt.Errorf("--version is %q; use 3.1.1 or 5.0", s.Version)
	case s.QoS < lowest || s.QoS > highest:
		return fmt.Errorf("--qos is %d; use %d to %d", s.QoS, lowest, highest)
	case s.Size < stampSize || s.Size > 64<<20:
		return fmt.Errorf("--size is %d; use %d octets or more: number and time of a message are in them", s.Size, stampSize)
	case s.Window < 1 || s.Window > 65_535 || s.Batch < 1:
		return errors.New("--window and --batch are 1 or more, and --window at most 65535")
	case s.Rate == 0 && s.Batch > s.Window && s.Topics <= s.Publishers:
		return fmt.Errorf("--batch %d never fits into --window %d; make the window as large at least", s.Batch, s.Window)
	case s.Rate < 0 || s.Rate > 1e7:
		return errors.New("--rate is in messages per second, at most 10000000")
	case s.Duration <= 0 || s.Warmup < 0:
		return errors.New("--duration is more than nothing, and --warmup not negative")
	case s.Duration > Seconds(24*time.Hour):
		return errors.New("--duration is at most 24h")
	case s.KeepAlive < 0 || s.KeepAlive > Seconds(65_535*time.Second):
		return errors.New("--keep-alive is at most 65535s; 0: none")
	case s.Publishers < 0 || s.Subscribers < 0 || s.Topics < 0 || s.Idle < 0 || s.Sleepers < 0 || s.SourceAddresses < 0:
		return errors.New("a number of clients is not negative")
	case s.SourceAddresses > 200:
		return errors.New("--source-addresses is at most 200")
	}
	if err := topic.CheckName(s.Topic, topic.Limits{}); err != nil {
		return fmt.Errorf("--topic %q: %w", s.Topic, err)
	}
	return cmp.Or(s.checkKind(sn), s.checkNode(sn))
}

func (s *Scenario) checkKind(sn bool) error {
	switch {
	case s.Idle > 0 && s.Sleepers > 0:
		return errors.New("--idle and --sleepers are two scenarios; leave one out")
	case s.Sleepers > 0 && !sn:
		return errors.New("only nodes of MQTT-SN sleep; give an address such as mqttsn://127.0.0.1:1884")
	case s.Subscribe && s.Idle == 0:
		return errors.New("--subscribe is for --idle; --subscribers are there anyway")
	case s.Idle > 0:
		return nil
	case s.Publishers == 0:
		return errors.New("nobody publishes; give --publishers, or --idle for connections that do nothing")
	case s.Subscribers == 0 && s.QoS <= 0 && s.Rate == 0:
		return errors.New("nothing says when to send the next message: without subscribers give --rate, or --qos 1 or 2")
	case s.Topics > max(s.Publishers, s.Subscribers) || s.Subscribers > 0 && s.Topics > s.Subscribers:
		return fmt.Errorf("--topics is %d; there are only %d subscribers", s.Topics, s.Subscribers)
	}
	return nil
}

func (s *Scenario) checkNode(sn bool) error {
	switch {
	case !sn:
		return nil
	case s.Direction != "up" && s.Direction != "down":
		return fmt.Errorf("--direction is %q; use up (nodes publish) or down (nodes subscribe)", s.Direction)
	case s.TopicType != "registered" && s.TopicType != "short" && s.TopicType != "predefined":
		return fmt.Errorf("--topic-type is %q; use registered, short or predefined", s.TopicType)
	case s.TopicType == "short" && s.Topics > shortNames:
		return fmt.Errorf("there are only %d short topic names, and %d topics", shortNames, s.Topics)
	case s.TopicType == "predefined" && s.Topics > 65_534:
		return fmt.Errorf("there are only 65534 predefined topic ids, and %d topics", s.Topics)
	case s.QoS == -1 && s.TopicType == "registered":
		return errors.New("QoS -1 knows no registered topics; add --topic-type short or predefined")
	case s.Direction == "up" && s.Topics > s.Publishers:
		return errors.New("a node publishes on one topic; --topics is at most --publishers")
	case s.Size > 60_000:
		return errors.New("--size is at most 60000 octets: a message of MQTT-SN is one datagram")
	case s.Sleepers > 0 && (s.Sleep < Seconds(10*time.Millisecond) || s.Messages < 1):
		return errors.New("--sleep is 10ms or more, and --messages 1 or more")
	}
	return nil
}
