package bench

import (
	"net"
	"net/netip"
	"time"
)

// Processes are those of the server. Without any, nothing about them is known.
type processes struct{ pids []int }

// A usage is what processes have used so far. ok false: it is not known.
type usage struct {
	cpu           time.Duration
	reads, writes uint64
	ok, counted   bool // counted: reads and writes are known
}

// since is what was used from before to u.
func (u usage) since(before usage) usage {
	return usage{u.cpu - before.cpu, u.reads - before.reads, u.writes - before.writes,
		u.ok && before.ok, u.counted && before.counted}
}

// plus is what u and v are together. The zero usage takes part in it.
func (u usage) plus(v usage) usage {
	if u == (usage{}) {
		return v
	}
	return usage{u.cpu + v.cpu, u.reads + v.reads, u.writes + v.writes, u.ok && v.ok, u.counted && v.counted}
}

// per is the microseconds of processor time for each of n; nil: not known.
func (u usage) per(n uint64) *float64 {
	if !u.ok || n == 0 {
		return nil
	}
	return known(float64(u.cpu.Nanoseconds()) / 1e3 / float64(n))
}

func known(v float64) *float64 { return &v }

// here tells whether a is an address of this host.
func here(a netip.Addr) bool {
	if a.IsLoopback() {
		return true
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, address := range own {
		if prefix, err := netip.ParsePrefix(address.String()); err == nil && prefix.Addr() == a {
			return true
		}
	}
	return false
}
