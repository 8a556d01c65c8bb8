//go:build !linux

package bench

const engineName = "goroutines"

func newEngine(now func() Time) (engine, error) { return newGoEngine(now), nil }
