package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/topic"
)

// A Scenario is what a run does, as it was asked for and with what was left out.
type Scenario struct {
	Kind            string  `json:"kind"` // each, fan-out, fan-in, publish, idle or sleepers
	URL             string  `json:"url"`
	Publishers      int     `json:"publishers"`
	Subscribers     int     `json:"subscribers"`
	Topics          int     `json:"topics"`
	QoS             int     `json:"qos"`
	Size            int     `json:"size"`
	Window          int     `json:"window"` // messages under way for each publisher and topic
	Batch           int     `json:"batch"`
	Rate            float64 `json:"rate"` // messages per second in all; 0: as the windows allow
	Duration        Seconds `json:"duration_seconds"`
	Warmup          Seconds `json:"warmup_seconds"`
	Topic           string  `json:"topic"` // what all topics begin with
	Version         string  `json:"version"`
	KeepAlive       Seconds `json:"keep_alive_seconds"`
	Idle            int     `json:"idle"`
	Subscribe       bool    `json:"subscribe"` // each idle connection has a subscription
	Direction       string  `json:"direction"` // of MQTT-SN: up or down
	Broker          string  `json:"broker"`    // behind the gateway
	TopicType       string  `json:"topic_type"`
	Sleepers        int     `json:"sleepers"`
	Sleep           Seconds `json:"sleep_seconds"`
	Messages        int     `json:"messages"` // for each sleeper
	SourceAddresses int     `json:"source_addresses"`
}

// Seconds are a duration that JSON has as a number.
type Seconds time.Duration

// MarshalJSON gives seconds.
func (s Seconds) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(s).Seconds()) }

// Options are a scenario and how it is watched.
type Options struct {
	Scenario
	PIDs     []int // of the server; none: those that listen there, if that is this host
	Syscalls bool  // count the server's system calls
	// Progress is called now and then. Nil: nobody is told.
	Progress func(Progress)

	engine   func(now func() Time) (engine, error) // nil: newEngine
	patience time.Duration                         // zero: see run.patience
}

// A target is where to connect to.
type target struct {
	sn             bool
	address        netip.AddrPort
	user, password string
}

// resolve reads a URL and finds the address of its host.
func resolve(ctx context.Context, text string) (t target, err error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "mqtt" && u.Scheme != "mqttsn" || u.RawQuery != "" || len(u.Path) > 1 {
		return t, fmt.Errorf("%q is no address; write mqtt://host:port or mqttsn://host:port", text)
	}
	t.sn = u.Scheme == "mqttsn"
	port := cmp.Or(u.Port(), map[bool]string{true: "1884", false: "1883"}[t.sn])
	if u.User != nil {
		t.user = u.User.Username()
		t.password, _ = u.User.Password()
	}
	number, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
	if err != nil {
		return t, err
	}
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return t, err
	}
	at := addresses[0].Unmap()
	for _, a := range addresses {
		if a.Unmap().Is4() { // a server on all of localhost may have only this one
			at = a.Unmap()
			break
		}
	}
	t.address = netip.AddrPortFrom(at, uint16(number))
	return t, nil
}

// A ScenarioError says that a scenario cannot be, and how it can.
type ScenarioError struct{ error }

func (e *ScenarioError) Unwrap() error { return e.error }

// protocol is the version's number.
func (s *Scenario) protocol() mqtt.Version {
	if s.Version == "5.0" {
		return mqtt.V5
	}
	return mqtt.V311
}

// complete fills in what was left out; run tells topics of this run from others.
func (s *Scenario) complete(sn bool, run uint16) {
	switch s.Version {
	case "311", "4", "mqttv311":
		s.Version = "3.1.1"
	case "5", "mqttv5":
		s.Version = "5.0"
	}
	if s.Idle > 0 || s.Sleepers > 0 {
		s.Subscribers = max(s.Idle, s.Sleepers)
		s.Topics = s.Subscribers
		s.Publishers = min(s.Publishers, s.Sleepers)
		s.Direction = "down"
	}
	if s.Topics == 0 {
		s.Topics = min(s.Publishers, s.Subscribers)
		if s.Subscribers == 0 {
			s.Topics = s.Publishers
		}
	}
	if s.Topic == "" {
		s.Topic = fmt.Sprintf("bench/%04x", run)
		if s.TopicType == "predefined" {
			s.Topic = "pre"
		}
	}
	if !sn {
		s.Direction, s.Broker, s.TopicType = "", "", ""
	}
	s.Kind = s.kind()
}

func (s *Scenario) kind() string {
	switch {
	case s.Idle > 0:
		return "idle"
	case s.Sleepers > 0:
		return "sleepers"
	case s.Subscribers == 0:
		return "publish"
	case s.Publishers < s.Subscribers && s.Topics < s.Subscribers:
		return "fan-out"
	case s.Publishers > s.Subscribers:
		return "fan-in"
	}
	return "each"
}

// shortNames is how many topic names of two letters and digits there are.
const shortNames = len(letters) * len(letters)

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// name is the name of topic number i.
func (s *Scenario) name(i int) string {
	switch s.TopicType {
	case "short":
		return string([]byte{letters[i/len(letters)], letters[i%len(letters)]})
	case "predefined":
		return fmt.Sprintf("%s/%d", s.Topic, i+1)
	}
	return fmt.Sprintf("%s/%d", s.Topic, i)
}

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
