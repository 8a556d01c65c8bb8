//go:build !linux

package bench

func newEngine(now func() Time) (engine, error) { return newGoEngine(now), nil }
