//go:build !linux

package loop

// newPoller gives nil: only the goroutine twin runs here.
func newPoller(*Loop) (poller, error) { return nil, nil }

func (l *Listener) duplicate() error { return nil }
func (l *Listener) close()           {}
