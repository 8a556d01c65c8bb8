//go:build !linux

package bench

import "net/netip"

func (p *processes) usage() usage { return usage{} }

func (p *processes) resident() (int64, bool) { return 0, false }

func listening(netip.AddrPort, bool) []int { return nil }
