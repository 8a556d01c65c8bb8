// Package server is the one place where broker, gateway and radio links are put
// together.
package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/dormouse-mqtt/dormouse/broker"
	"github.com/dormouse-mqtt/dormouse/broker/core"
	brokersession "github.com/dormouse-mqtt/dormouse/broker/session"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/cmd/internal/config"
	"github.com/dormouse-mqtt/dormouse/gateway"
	gatewaycore "github.com/dormouse-mqtt/dormouse/gateway/core"
	"github.com/dormouse-mqtt/dormouse/gateway/local"
	"github.com/dormouse-mqtt/dormouse/gateway/session"
	"github.com/dormouse-mqtt/dormouse/radio"
	"github.com/dormouse-mqtt/dormouse/radio/serial"
	"github.com/dormouse-mqtt/dormouse/radio/udp"
)

// A Server is running from Start to Close.
type Server struct {
	broker   *broker.Broker
	machines []*local.Machine // of the shards
	ready    []string         // the addresses bound, as URLs in the order of the listeners
}

// Start opens all listeners of the configuration. An error is one line; nothing
// is left open then.
func Start(c *config.Config, logger *slog.Logger) (*Server, error) {
	s := &Server{ready: make([]string, len(c.Listeners))}
	shards := c.Shards
	if shards == 0 {
		shards = min(max(1, runtime.GOMAXPROCS(0)-1), broker.MaxShards)
	}
	options := broker.Options{
		Core: core.Options{
			Queue:            brokersession.Limits{MaxQueued: c.MaxQueued, MaxQueuedBytes: c.MaxQueuedBytes},
			WhenFull:         whenFull(c.WhenFull),
			MaxInflight:      c.MaxInflight,
			MaxSubscriptions: c.MaxSubscriptions,
			MaxRetained:      c.MaxRetained,
			SessionExpiry:    c.SessionExpiry,
			ConnectTimeout:   c.ConnectTimeout,
			KeepAliveMax:     c.KeepAliveMax,
		},
		Shards: shards,
		Logger: logger,
	}
	places, tables := gateway.NewPlaces(), predefined(c.Predefined)
	options.Machine = func(i int, b *core.Core) shard.Machine {
		m := local.New(b, gatewaycore.Options{Predefined: tables, Shard: i, Shards: shards, Places: places})
		s.machines = append(s.machines, m)
		return m
	}
	var where []int // options.Listeners are in c.Listeners
	for i := range c.Listeners {
		l := &c.Listeners[i]
		if l.Scheme == "mqtt" {
			options.Listeners = append(options.Listeners, broker.Listener{
				URL: l.URL, Address: l.Address, Anonymous: anonymous(l.Anonymous),
				MaxClients: l.MaxClients, MaxPacket: l.MaxPacket,
			})
			where = append(where, i)
			continue
		}
		radios, address, err := open(uint32(i), l, shards, logger)
		if err != nil {
			closeAll(options.Links)
			return nil, fmt.Errorf("%s: %w", l.URL, err)
		}
		s.ready[i] = address
		options.Links = append(options.Links, broker.Link{Radios: radios, Info: linkInfo(l, radios[0])})
	}
	b, err := broker.Start(options)
	if err != nil {
		closeAll(options.Links)
		return nil, explain(err)
	}
	s.broker = b
	for i, address := range b.Addrs() {
		s.ready[where[i]] = "mqtt://" + shown(address)
	}
	return s, nil
}

func closeAll(links []broker.Link) {
	for _, l := range links {
		for _, r := range l.Radios {
			r.Close()
		}
	}
}

// open opens the link of a listener for nodes: by UDP a socket for each shard.
func open(line uint32, l *config.Listener, shards int, logger *slog.Logger) ([]radio.Link, string, error) {
	if l.Scheme == "slip" {
		link, err := serial.NewLink(l.Address, serial.Options{
			Baud: l.Baud, RTSCTS: l.RTSCTS, Line: line, Logger: logger,
		})
		return []radio.Link{link}, "slip://" + l.Address, err
	}
	sockets, err := udp.ListenGroup(l.Address, shards)
	if err != nil {
		return nil, "", explain(err)
	}
	var radios []radio.Link
	for _, socket := range sockets {
		radios = append(radios, socket)
	}
	return radios, "mqttsn://" + shown(sockets[0].LocalAddr()), nil
}

// explain says what an operator can do about an address that cannot be used.
func explain(err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w; another program uses it: stop it, or choose another port", err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%w; ports below 1024 need privileges: choose a higher one, or grant CAP_NET_BIND_SERVICE", err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%w; this host has no such address: use one of its own, or none for all", err)
	}
	return err
}

// shown is an address that a client on this host can use.
func shown(a netip.AddrPort) string {
	if a.Addr().IsUnspecified() {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port()).String()
	}
	return a.String()
}

func linkInfo(l *config.Listener, link radio.Link) shard.LinkInfo {
	return shard.LinkInfo{
		Listener: l.URL, MTU: link.MTU(), MaxPacket: l.MaxPacket, MaxClients: l.MaxClients,
		Exact: l.Scheme == "slip", Anonymous: anonymous(l.Anonymous), Forwarders: l.Forwarders == "any",
		Roam: roam(l.Roam), GwID: byte(l.GwID), Retry: l.Retry, Retries: l.Retries, AwakeRetry: l.AwakeRetry,
		Nodes: new(atomic.Int32),
	}
}

func whenFull(s string) core.WhenFull {
	return map[string]core.WhenFull{"drop-oldest": core.DropOldest, "refuse": core.Refuse}[s]
}

func anonymous(s string) shard.Anonymous {
	return map[string]shard.Anonymous{"on": shard.AnonymousOn, "off": shard.AnonymousOff}[s]
}

func roam(s string) shard.Roam {
	return map[string]shard.Roam{"any": shard.RoamAny, "off": shard.RoamOff}[s]
}

func predefined(list []config.Predefined) map[string]*session.Table {
	tables := map[string]*session.Table{}
	for _, p := range list {
		if tables[p.Client] == nil {
			tables[p.Client] = &session.Table{}
		}
		tables[p.Client].Add(p.ID, p.Topic)
	}
	return tables
}

// Ready is the line that names every address bound.
func (s *Server) Ready() string { return "ready " + strings.Join(s.ready, " ") }

// Stats are the counts of broker and gateway as of now.
func (s *Server) Stats() (b core.Stats, g gatewaycore.Stats) {
	i := 0
	s.broker.Inspect(func(c *core.Core) { // the shards in turn
		b.Add(c.Stats())
		g.Add(s.machines[i].Gateway.Stats())
		i++
	})
	return b, g
}

// Close says goodbye to everybody and waits until all has ended.
func (s *Server) Close() { s.broker.Close() }

// LocalOnly are the listeners that accept anonymous clients from this host only
// although others can reach them.
func LocalOnly(c *config.Config) (urls []string) {
	for _, l := range c.Listeners {
		host, _, err := net.SplitHostPort(l.Address)
		ip := net.ParseIP(host)
		if err == nil && l.Anonymous == "loopback" && (host == "" || ip != nil && !ip.IsLoopback()) {
			urls = append(urls, l.URL)
		}
	}
	return urls
}
