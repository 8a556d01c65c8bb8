//go:build unix

package bench

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

func selfPID() int { return os.Getpid() }

// ownTime is the processor time of this process.
func ownTime() time.Duration {
	var used unix.Rusage
	unix.Getrusage(unix.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// roomFor makes the limit of open files as high as it may be and says so if
// that is not enough for n.
func roomFor(n int) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return nil // then a socket will tell
	}
	if limit.Cur < limit.Max {
		limit.Cur = limit.Max
		unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
		unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	}
	if uint64(n) > uint64(limit.Cur) {
		return fmt.Errorf("this needs %d open files and %d are allowed; raise the limit, as with: ulimit -n %d", n, limit.Cur, n)
	}
	return nil
}
