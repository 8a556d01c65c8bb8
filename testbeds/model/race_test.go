//go:build race

package model

// checks is how many random runs a test makes; the race detector is slow.
const checks = "300"
