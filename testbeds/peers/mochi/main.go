// Command mochi is the broker mochi-mqtt as a peer for benchmarks: in memory,
// everybody is let in, nothing is logged, and no limit is in the way.
package main

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
)

func main() {
	address := flag.String("mqtt", "127.0.0.1:0", "TCP address")
	flag.Parse()
	if err := serve(*address); err != nil {
		fmt.Fprintln(os.Stderr, "mochi:", err)
		os.Exit(1)
	}
}

// serve says where it listens and serves until the process is ended.
func serve(address string) error {
	limits := mqtt.NewDefaultServerCapabilities()
	limits.MaximumInflight = math.MaxUint16
	limits.ReceiveMaximum = math.MaxUint16
	limits.MaximumClientWritesPending = 1024 // each client pays for it when it connects
	server := mqtt.New(&mqtt.Options{
		Capabilities: limits,
		Logger:       slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err := server.AddHook(new(auth.AllowHook), nil); err != nil {
		return err
	}
	tcp := listeners.NewTCP(listeners.Config{ID: "tcp", Address: address})
	if err := server.AddListener(tcp); err != nil {
		return err
	}
	if err := server.Serve(); err != nil {
		return err
	}
	fmt.Printf("ready mqtt://%s\n", tcp.Address())
	select {}
}
