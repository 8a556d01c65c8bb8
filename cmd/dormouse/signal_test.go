//go:build unix

package main

import (
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
)

// A signal makes the tools say goodbye.
func TestInterrupted(t *testing.T) {
	stdin, hold := io.Pipe() // nobody types
	defer hold.Close()
	for _, tt := range []struct {
		ready string
		args  []string
	}{
		{"SUBSCRIBE", []string{"sub", "-t", "a"}},
		{"CONNECT", []string{"pub", "-t", "a", "-l"}},
		{"PUBLISH", []string{"pub", "-t", "a", "-m", "m", "--repeat", "2", "--repeat-delay", "3600"}},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			url, got := broker(t, mqtt.V311, 0)
			go func() {
				for !strings.Contains(got.String(), tt.ready) {
					time.Sleep(time.Millisecond)
				}
				time.Sleep(20 * time.Millisecond) // the answer arrives
				syscall.Kill(syscall.Getpid(), syscall.SIGINT)
			}()
			code, _, errs := dormouse(t, stdin, append(tt.args, "-L", url)...)
			require.Equal(t, 0, code, errs)
			require.True(t, strings.HasSuffix(got.String(), "DISCONNECT"), got.String())
		})
	}
}
