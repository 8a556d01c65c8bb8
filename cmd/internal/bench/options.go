package bench

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
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
