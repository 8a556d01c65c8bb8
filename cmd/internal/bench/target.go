package bench

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
)

// A target is where to connect to.
type target struct {
	sn             bool
	address        netip.AddrPort
	user, password string
	shown          string // the URL without the password
}

// resolve reads a URL and finds the address of its host.
func resolve(ctx context.Context, text string) (t target, err error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "mqtt" && u.Scheme != "mqttsn" || u.RawQuery != "" || len(u.Path) > 1 {
		return t, fmt.Errorf("%q is no address; write mqtt://host:port or mqttsn://host:port", text)
	}
	t.shown = u.Redacted()
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
