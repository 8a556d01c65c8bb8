package main

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// A share is how much of the processors others use: what else a machine does
// makes every figure dearer, and not all by as much.
type share struct {
	busy, total float64 // seconds of all processors; total 0: not known
	own         time.Duration
}

// used is what has been used since the machine and this program started. Of our
// servers and loads only those count that have ended.
func used() share {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return share{}
	}
	s := parseStat(string(stat))
	s.own = ownTime()
	return s
}

// parseStat reads the first line of /proc/stat, in hundredths of a second: user,
// nice, system, idle, iowait, irq, softirq, steal. What others on the same
// hardware take from us (steal) is busy too.
func parseStat(stat string) (s share) {
	line, _, _ := strings.Cut(stat, "\n")
	for i, field := range strings.Fields(line) {
		v, err := strconv.ParseFloat(field, 64)
		if i == 0 || i > 8 || err != nil { // guests are in user
			continue
		}
		s.total += v / 100
		if i != 4 && i != 5 {
			s.busy += v / 100
		}
	}
	return s
}

// percent is what others have used between the two, of all processors.
func (s share) percent(until share) (percent float64, ok bool) {
	total := until.total - s.total
	if s.total == 0 || total <= 0 {
		return 0, false
	}
	others := until.busy - s.busy - (until.own - s.own).Seconds()
	return max(0, others/total*100), true
}
