package config

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// defaultPorts of the schemes that have ports.
var defaultPorts = map[string]string{"mqtt": "1883", "mqttsn": "1884"}

// later are schemes that this version knows of but does not serve.
var later = []string{"mqtts", "ws", "wss", "unix", "mqttsns", "xbee", "hdlc", "cobs", "sn+serial"}

// Schemes are what a listener URL may begin with.
var Schemes = []string{"mqtt", "mqttsn", "slip"}

// parseListener reads a listener URL; options stand in its query, and beside it
// in a file.
func parseListener(s string, beside map[string]setting) (*Listener, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" {
		return nil, fmt.Errorf("%q is no listener URL; write one like mqtt://:1883, mqttsn://:1884 or slip:///dev/ttyUSB0?baud=115200", s)
	}
	if slices.Contains(later, u.Scheme) {
		return nil, fmt.Errorf("listener scheme %q is not available in this version; available are %s", u.Scheme, strings.Join(Schemes, ", "))
	}
	if !slices.Contains(Schemes, u.Scheme) {
		return nil, unknown("listener scheme", u.Scheme, Schemes)
	}
	l := &Listener{URL: s, Scheme: u.Scheme}
	if l.Address, err = address(u); err != nil {
		return nil, err
	}
	for i := range Locals {
		if err := Locals[i].set(l, Locals[i].Default); err != nil {
			return nil, err
		}
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("%q: the options cannot be read: %w", s, err)
	}
	for _, name := range sortedKeys(query) {
		if len(query[name]) > 1 {
			return nil, fmt.Errorf("option %q is given twice", name)
		}
		if err := l.set(name, query[name][0]); err != nil {
			return nil, err
		}
	}
	for _, name := range sortedKeys(beside) {
		if err := l.set(name, beside[name].value); err != nil {
			return nil, &Error{beside[name].where, err.Error(), beside[name].excerpt}
		}
	}
	return l, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// set sets one option of the listener, if it is one of its scheme.
func (l *Listener) set(name, value string) error {
	o, err := find(Locals, name)
	if err != nil {
		return err
	}
	if o.Schemes != nil && !slices.Contains(o.Schemes, l.Scheme) {
		return fmt.Errorf("option %q is not one of %s listeners, but of %s", name, l.Scheme, strings.Join(o.Schemes, ", "))
	}
	return o.set(l, value)
}

// address is host:port, or the path of a serial line.
func address(u *url.URL) (string, error) {
	port, network := defaultPorts[u.Scheme]
	if !network {
		if u.Path == "" || u.Host != "" {
			return "", fmt.Errorf("%q names no device; write it like %s:///dev/ttyUSB0", u.String(), u.Scheme)
		}
		return u.Path, nil
	}
	if u.Path != "" && u.Path != "/" {
		return "", fmt.Errorf("%q has a path, which %s listeners have not", u.String(), u.Scheme)
	}
	if u.Port() != "" {
		port = u.Port()
	}
	if n, err := strconv.Atoi(port); err != nil || n > 65_535 {
		return "", fmt.Errorf("%q: the port is %q; use 0 to 65535", u.String(), port)
	}
	return net.JoinHostPort(u.Hostname(), port), nil
}

// parsePredefined reads CLIENT:ID=TOPIC.
func parsePredefined(s string) (p Predefined, err error) {
	left, topic, ok := strings.Cut(s, "=")
	colon := strings.LastIndex(left, ":")
	if !ok || topic == "" || colon <= 0 {
		return p, fmt.Errorf("%q is no predefined topic; write CLIENT:ID=TOPIC, with * for every client", s)
	}
	id, err := strconv.ParseUint(left[colon+1:], 10, 16)
	if err != nil || id == 0 || id == 0xFFFF {
		return p, fmt.Errorf("%q: the id is %q; use 1 to 65534", s, left[colon+1:])
	}
	if strings.ContainsAny(topic, "+#") {
		return p, fmt.Errorf("%q: a predefined topic has no wildcards", s)
	}
	return Predefined{left[:colon], uint16(id), topic}, nil
}
