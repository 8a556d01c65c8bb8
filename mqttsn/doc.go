// Package mqttsn encodes and decodes MQTT-SN 1.2 packets.
//
// It is a pure codec: no I/O, no clock, no goroutine, and no allocation in
// either direction. A decoded packet aliases the datagram it came from; copy it
// to keep it. Numbers in parentheses, such as (5.4.11), are sections of the
// MQTT-SN 1.2 specification.
//
// A packet is refused in two steps, because they call for different answers.
// [Decoder.Decode] judges framing and sizes; what it refuses is dropped in
// silence. [Check] judges the content; the packet is there, so that whoever
// refuses it can answer it.
package mqttsn
