package broker

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestListenersSpeakPlainTCP: Linux before 5.17 lets nobody set TCP_NODELAY on a
// listener of multipath TCP, which is Go's choice.
func TestListenersSpeakPlainTCP(t *testing.T) {
	sockets, err := listen([]Listener{{Address: "127.0.0.1:0"}})
	require.NoError(t, err)
	defer sockets[0].Close()
	raw, err := sockets[0].SyscallConn()
	require.NoError(t, err)
	protocol := 0
	failed := raw.Control(func(fd uintptr) {
		protocol, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PROTOCOL)
	})
	require.NoError(t, failed)
	require.NoError(t, err)
	require.Equal(t, unix.IPPROTO_TCP, protocol)
}
