package loop

import "net"

// readPlain reads a connection without a descriptor of its own.
func readPlain(conn net.Conn) (*[]byte, int, error) {
	buffer := chunks.Get().(*[]byte)
	n, err := conn.Read(*buffer)
	return buffer, n, err
}
