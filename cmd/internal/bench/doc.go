// Package bench is what `dormouse bench` does: it loads a broker of MQTT or a
// gateway of MQTT-SN and measures it.
//
// A run is one goroutine around an engine, which carries octets. Clients and
// nodes are handlers of their sockets; a schedule says what is due, a ledger what
// has come. What decides is given the time; it asks no clock.
package bench
