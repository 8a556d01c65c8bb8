//go:build !race

package model

// checks is how many random runs a test makes.
const checks = "500"
