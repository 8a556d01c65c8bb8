//go:build unix

package loop

import (
	"errors"
	"net"
	"syscall"
)

// readChunk waits until there is something to read and only then takes a
// buffer: a silent connection holds none.
func readChunk(conn net.Conn) (buffer *[]byte, n int, err error) {
	raw := rawConn(conn)
	if raw == nil {
		return readPlain(conn)
	}
	failed := raw.Read(func(fd uintptr) bool {
		buffer = chunks.Get().(*[]byte)
		for {
			n, err = syscall.Read(int(fd), *buffer)
			if !errors.Is(err, syscall.EINTR) {
				break
			}
		}
		if errors.Is(err, syscall.EAGAIN) {
			chunks.Put(buffer)
			buffer, n, err = nil, 0, nil
			return false
		}
		return true
	})
	if failed != nil {
		err = failed
	}
	return buffer, max(n, 0), err
}

// tryWrite writes what the peer takes at once.
func tryWrite(conn net.Conn, data []byte) (n int, err error) {
	raw := rawConn(conn)
	if raw == nil {
		return 0, nil
	}
	failed := raw.Write(func(fd uintptr) bool {
		n, err = syscall.Write(int(fd), data)
		return true
	})
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR) {
		err = nil
	}
	if failed != nil {
		err = failed
	}
	return max(n, 0), err
}

func rawConn(conn net.Conn) syscall.RawConn {
	if sc, ok := conn.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			return raw
		}
	}
	return nil
}
