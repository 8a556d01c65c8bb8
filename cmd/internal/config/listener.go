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
// in a file or in the environment.
func parseListener(at setting, beside map[string]setting) (*Listener, error) {
	s := at.value
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" {
		return nil, fmt.Errorf("%q is no listener URL; write one like mqtt://:1883, mqttsn://:1884 or slip:///dev/ttyUSB0?baud=115200", s)
	}
	if slices.Contains(later, u.Scheme) {
		return nil, fmt.Errorf("listener scheme %q is not available in this version; available are %s", u.Scheme, strings.Join(Schemes, ", "))
	}
	if strings.Contains(s, "#") {
		return nil, fmt.Errorf("%q has a # in it; write %%23 if it belongs to a name, or leave out what follows", s)
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
		set := beside[name]
		switch {
		case !query.Has(name) || set.weight > at.weight:
		case set.weight < at.weight:
			continue // the environment replaced the URL of the file
		default:
			return nil, set.fail(fmt.Errorf("option %q is given twice: here and in the url; leave out one", name))
		}
		if err := l.set(name, set.value); err != nil {
			return nil, set.fail(err)
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
	o, err := findLocal(name, l.Scheme)
	if err != nil {
		return err
	}
	if !o.of(l.Scheme) {
		return fmt.Errorf("option %q is not one of %s listeners, but of %s", name, l.Scheme, strings.Join(o.Schemes, ", "))
	}
	return o.set(l, value)
}

// address is host:port, or the path of a serial line.
func address(u *url.URL) (string, error) {
	port, network := defaultPorts[u.Scheme]
	if !network {
		if u.Path == "" || strings.HasSuffix(u.Path, "/") || u.Host != "" || u.User != nil {
			return "", fmt.Errorf("%q names no device; write it like %s:///dev/ttyUSB0", u.Redacted(), u.Scheme)
		}
		return u.Path, nil
	}
	host := u.Hostname()
	switch {
	case u.Opaque != "": // mqtt:1884 would otherwise listen on the default port
		return "", fmt.Errorf("%q lacks the slashes; write it like %s://:%s", u.String(), u.Scheme, port)
	case u.User != nil:
		return "", fmt.Errorf("%q has a user name, which listeners have not", u.Redacted())
	case u.Path != "" && u.Path != "/":
		return "", fmt.Errorf("%q has a path, which %s listeners have not", u.String(), u.Scheme)
	case host == "*":
		return "", fmt.Errorf("%q: the host is \"*\"; leave it empty for all addresses", u.String())
	case strings.Contains(host, ":") && !strings.HasPrefix(u.Host, "["):
		return "", fmt.Errorf("%q: write an IPv6 address in brackets, like %s://[::1]:%s", u.String(), u.Scheme, port)
	}
	if u.Port() != "" {
		port = u.Port()
	}
	if n, err := strconv.Atoi(port); err != nil || n > 65_535 {
		return "", fmt.Errorf("%q: the port is %q; use 0 to 65535", u.String(), port)
	}
	a := net.JoinHostPort(host, port)
	if _, _, err := net.SplitHostPort(a); err != nil || strings.ContainsAny(host, "\x00[]") {
		return "", fmt.Errorf("%q: the host is %q; use a name, an address or nothing", u.String(), host)
	}
	return a, nil
}
