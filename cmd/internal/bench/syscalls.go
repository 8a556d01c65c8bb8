package bench

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"time"
)

// slice is how long system calls are counted: a tracer slows the server down.
const slice = time.Second

// countSyscalls sends for a while with a tracer at the server.
func (r *run) countSyscalls() error {
	if len(r.server.pids) == 0 {
		return nil // a note says why
	}
	tracer, err := trace(r.server.pids)
	if err != nil {
		r.note("system calls are not counted by name: %v; reads and writes are as /proc/PID/io counts them", err)
		return nil
	}
	failed := r.send("counting system calls", min(slice, time.Duration(r.Duration)))
	calls, err := tracer.end()
	if failed != nil || err != nil {
		r.note("system calls were not counted: %v", err)
		return failed
	}
	n := r.tally.delivered
	if r.Subscribers == 0 {
		n = r.tally.sent
	}
	if n == 0 {
		return nil
	}
	total := 0.0
	r.result.Syscalls = map[string]float64{}
	for name, count := range calls {
		r.result.Syscalls[name] = float64(count) / float64(n)
		total += r.result.Syscalls[name]
	}
	r.result.SyscallsPerMessage = known(total)
	return nil
}

// readCounts reads the table of strace -c: after its head, lines of share,
// seconds, microseconds per call, calls, errors if there were any, name.
func readCounts(table io.Reader) (map[string]uint64, error) {
	calls := map[string]uint64{}
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 5 || fields[len(fields)-1] == "total" {
			continue
		}
		if n, err := strconv.ParseUint(fields[3], 10, 64); err == nil {
			calls[fields[len(fields)-1]] += n
		}
	}
	return calls, lines.Err()
}
