package bench

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// usage adds up what the processes have used so far. The scheduler's run times
// of the threads have nanoseconds but forget the threads that have ended;
// /proc/PID/stat has ticks of 10 ms and forgets nothing.
func (p *processes) usage() (sum usage) {
	sum.ok, sum.counted = len(p.pids) > 0, len(p.pids) > 0
	for _, pid := range p.pids {
		exact, coarse := runTime(pid), ticks(pid)
		if coarse-exact > 5*tick { // or it knows of no schedstat
			exact = coarse
		}
		sum.cpu += exact
		sum.ok = sum.ok && exact > 0
		reads, writes, ok := transfers(pid)
		sum.reads += reads
		sum.writes += writes
		sum.counted = sum.counted && ok
	}
	return sum
}

// tick is the grain of /proc/PID/stat on every architecture in use.
const tick = 10 * time.Millisecond

// runTime is the processor time of all threads that are there.
func runTime(pid int) (sum time.Duration) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, name := range threads {
		b, _ := os.ReadFile(name)
		first, _, _ := bytes.Cut(b, []byte(" "))
		ns, _ := strconv.ParseInt(string(first), 10, 64)
		sum += time.Duration(ns)
	}
	return sum
}

func ticks(pid int) time.Duration {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return statTime(string(b))
}

// statTime reads user and system time, fields 14 and 15. The name before them
// is in parentheses and may have any character.
func statTime(stat string) time.Duration {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick
}

// transfers are the system calls that read and write, as far as the kernel
// counts them: not recvmmsg and its like.
func transfers(pid int) (reads, writes uint64, ok bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	return number(b, "syscr:"), number(b, "syscw:"), err == nil
}

// number is what stands after the key in a file of /proc.
func number(b []byte, key string) uint64 {
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, key); ok {
			fields := strings.Fields(rest)
			n, _ := strconv.ParseUint(fields[0], 10, 64)
			return n
		}
	}
	return 0
}

// resident is the memory that the processes have in RAM, in octets.
func (p *processes) resident() (sum int64, ok bool) {
	for _, pid := range p.pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return 0, false
		}
		sum += int64(number(b, "VmRSS:")) << 10
	}
	return sum, len(p.pids) > 0
}

// listening are the processes that have a socket open at that address, for
// datagrams or listening for connections: the sockets by the kernel's tables,
// their owners by the descriptors of all processes.
func listening(at netip.AddrPort, datagrams bool) (pids []int) {
	tables, state := []string{"tcp", "tcp6"}, "0A"
	if datagrams {
		tables, state = []string{"udp", "udp6"}, "07"
	}
	wanted := map[string]bool{}
	for _, table := range tables {
		b, _ := os.ReadFile("/proc/net/" + table)
		for _, inode := range inodes(string(b), state, at) {
			wanted["socket:["+inode+"]"] = true
		}
	}
	missing := maps.Clone(wanted)
	owner := "" // its name, once all have one
	for _, pid := range likely() {
		if len(missing) == 0 && name(pid) != owner {
			continue // the workers of a server have its name
		}
		if found := held(fmt.Sprintf("/proc/%d/fd/", pid), wanted); len(found) > 0 {
			pids = append(pids, pid)
			owner = name(pid)
			for _, f := range found {
				delete(missing, f)
			}
		}
	}
	return pids
}

// likely are all processes, this one first, then from the newest on: others may
// have very many descriptors.
func likely() []int {
	all := []int{os.Getpid()}
	folders, _ := filepath.Glob("/proc/[0-9]*")
	for _, f := range folders {
		if pid, err := strconv.Atoi(filepath.Base(f)); err == nil && pid != all[0] {
			all = append(all, pid)
		}
	}
	slices.SortFunc(all[1:], func(a, b int) int { return b - a })
	return all
}

func name(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return string(b)
}

// held are the links of a folder that are wanted.
func held(folder string, wanted map[string]bool) (found []string) {
	f, err := os.Open(folder)
	if err != nil {
		return nil
	}
	defer f.Close()
	for err == nil && len(found) < len(wanted) {
		var names []string
		names, err = f.Readdirnames(256)
		for _, n := range names {
			if to, err := os.Readlink(folder + n); err == nil && wanted[to] {
				found = append(found, to)
			}
		}
	}
	return found
}

// inodes are those of the sockets of a table in that state at that address, or
// at its port of any.
func inodes(table, state string, at netip.AddrPort) (found []string) {
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 10 || fields[3] != state {
			continue
		}
		own, ok := tableAddress(fields[1])
		if ok && own.Port() == at.Port() && (own.Addr().IsUnspecified() || own.Addr() == at.Addr()) {
			found = append(found, fields[9])
		}
	}
	return found
}

// tableAddress reads an address of /proc/net: words of 32 bits in the host's
// order, in hexadecimal digits, a colon and the port.
func tableAddress(s string) (netip.AddrPort, bool) {
	words, portText, _ := strings.Cut(s, ":")
	b, err := hex.DecodeString(words)
	port, err2 := strconv.ParseUint(portText, 16, 16)
	if err != nil || err2 != nil || len(b)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for word := range slices.Chunk(b, 4) {
		binary.NativeEndian.PutUint32(word, binary.BigEndian.Uint32(word))
	}
	ip, ok := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(ip.Unmap(), uint16(port)), ok
}
