// Package config turns a file, the environment and flags into one Config. Every
// option stands in one table with its unit, default, bounds and help, from which
// all three are read and all help is printed.
package config

import (
	"time"
)

// A Config is what `dormouse serve` runs with.
type Config struct {
	Listeners  []Listener
	Predefined []Predefined
	Data       string
	LogLevel   string
	LogFormat  string

	Shards           int // 0: one less than there are processors
	WhenFull         string
	MaxQueued        int
	MaxQueuedBytes   int
	MaxInflight      int
	MaxSubscriptions int
	MaxRetained      int
	SessionExpiry    time.Duration
	ConnectTimeout   time.Duration
	KeepAliveMax     time.Duration
}

// A Listener is one place where clients come in.
type Listener struct {
	URL       string // as given
	Scheme    string
	Address   string // host:port, or the path of a serial line
	Where     string // it was given
	Anonymous string

	MaxClients int
	MaxPacket  int
	Retry      time.Duration
	Retries    int
	AwakeRetry time.Duration
	GwID       int
	Forwarders string
	Roam       string
	Baud       int
	RTSCTS     bool
}

// A Predefined topic id, of one client or, by "*", of all.
type Predefined struct {
	Client string
	ID     uint16
	Topic  string
}

// An Error says what is wrong, where, and what to do, in one line. Excerpt shows
// the place in a file.
type Error struct {
	Where   string
	Text    string
	Excerpt string
}

func (e *Error) Error() string { return e.Where + ": " + e.Text }
