//go:build !linux

package bench

import "errors"

type tracer struct{}

func trace([]int) (*tracer, error) { return nil, errors.New("there is strace on Linux only") }

func (*tracer) end() (map[string]uint64, error) { return nil, nil }
