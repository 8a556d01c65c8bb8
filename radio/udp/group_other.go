//go:build !linux

package udp

// ListenGroup opens one socket: not every system deals out peers among several.
func ListenGroup(address string, n int) ([]*Link, error) {
	l, err := Listen(address)
	return []*Link{l}, err
}
