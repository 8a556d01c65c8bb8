// Package model compares the broker and the gateway with a small reference
// model: random packets of several clients and nodes, broken connections, the
// passing of time, commits of the store and restarts go to both, and what each
// client gets has to be what the model says.
//
// The model is written from the specifications and knows nothing of the cores.
// Where a text leaves the order open, any order is right.
package model
