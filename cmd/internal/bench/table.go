package bench

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// A sheet is a table of names and values in groups.
type sheet struct{ rows [][2]string }

func (s *sheet) add(name, format string, args ...any) {
	s.rows = append(s.rows, [2]string{name, fmt.Sprintf(format, args...)})
}

func (s *sheet) gap() {
	if n := len(s.rows); n > 0 && s.rows[n-1] != [2]string{} {
		s.rows = append(s.rows, [2]string{})
	}
}

// count is n with commas.
func count[T int | uint64 | float64](n T) string {
	s := fmt.Sprintf("%.0f", math.Round(float64(n)))
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// octets is n in a unit that fits.
func octets(n float64) string {
	switch {
	case math.Abs(n) >= 10<<20:
		return fmt.Sprintf("%.1f MiB", n/(1<<20))
	case math.Abs(n) >= 10<<10:
		return fmt.Sprintf("%.1f KiB", n/(1<<10))
	}
	return count(math.Round(n)+0) + " B"
}

// micros is us in a unit that fits.
func micros(us float64) string {
	switch {
	case us >= 1e6:
		return fmt.Sprintf("%.2f s", us/1e6)
	case us >= 1000:
		return fmt.Sprintf("%.2f ms", us/1000)
	case us >= 100:
		return fmt.Sprintf("%.0f us", us)
	}
	return fmt.Sprintf("%.1f us", us)
}

// WriteTable writes the summary for people.
func (r *Result) WriteTable(w io.Writer) error {
	var s sheet
	r.what(&s)
	s.gap()
	r.messages(&s)
	s.gap()
	r.times(&s)
	s.gap()
	r.cost(&s)
	width := 0
	for _, row := range s.rows {
		width = max(width, len(row[0]))
	}
	var b strings.Builder
	for _, row := range s.rows {
		b.WriteString(strings.TrimRight(fmt.Sprintf("%-*s  %s", width, row[0], row[1]), " ") + "\n")
	}
	for _, note := range r.Notes {
		b.WriteString("\nnote: " + note + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// what says what was done.
func (r *Result) what(s *sheet) {
	c := &r.Scenario
	protocol := "MQTT " + c.Version
	if c.TopicType != "" {
		protocol = fmt.Sprintf("MQTT-SN 1.2 %s, %s topics, and MQTT %s", c.Direction, c.TopicType, c.Version)
	}
	s.add("server", "%s (%s)", c.URL, protocol)
	switch c.Kind {
	case "idle":
		s.add("idle", "%s connections%s, for %v", count(c.Idle),
			map[bool]string{true: " with a subscription each"}[c.Subscribe], time.Duration(c.Duration))
		return
	case "sleepers":
		s.add("sleepers", "%s nodes, %s messages each, waking within %v", count(c.Sleepers), count(c.Messages), time.Duration(c.Sleep))
	default:
		s.add(c.Kind, "%s publishers, %s subscribers, %s topics", count(c.Publishers), count(c.Subscribers), count(c.Topics))
	}
	pace := fmt.Sprintf("window %d", c.Window)
	if c.Rate > 0 {
		pace = count(c.Rate) + " messages/s"
	}
	if c.Batch > 1 {
		pace += fmt.Sprintf(", %d in a write", c.Batch)
	}
	s.add("messages", "QoS %d, %s octets, %s", c.QoS, count(c.Size), pace)
}

func (r *Result) messages(s *sheet) {
	if r.Scenario.Kind == "idle" {
		return
	}
	seconds := fmt.Sprintf("in %.2f s", r.Seconds)
	if r.Interrupted {
		seconds += ", interrupted"
	}
	s.add("sent", "%s %s", count(r.Sent), seconds)
	if r.Scenario.Subscribers > 0 {
		s.add("delivered", "%s (%s/s)", count(r.Delivered), count(r.RatePerS))
		s.add("lost", "%s", count(r.Lost))
	}
	for _, row := range []struct {
		name string
		n    uint64
	}{
		{"not sent", r.Unsent}, {"duplicates", r.Duplicates}, {"out of order", r.OutOfOrder}, {"refused", r.Refused},
		{"connections closed", uint64(r.Closed)}, {"sent again", r.Repeated},
	} {
		if row.n > 0 {
			s.add(row.name, "%s", count(row.n))
		}
	}
}

func (r *Result) times(s *sheet) {
	for _, row := range []struct {
		name string
		of   *Spread
	}{{"latency", r.LatencyUs}, {"wake", r.WakeUs}} {
		if x := row.of; x != nil {
			s.add(row.name, "p50 %s   p90 %s   p99 %s   p99.9 %s   max %s",
				micros(x.P50), micros(x.P90), micros(x.P99), micros(x.P999), micros(x.Max))
		}
	}
	if r.Wakes > 0 {
		s.add("wakes", "%s, %s without all messages", count(r.Wakes), count(r.WakesIncomplete))
	}
	if late := r.GeneratorLateUsP99; late != nil {
		s.add("generator late", "p99 %s", micros(*late))
	}
}

// telling is how many connections show what one takes: a heap grows in steps.
const telling = 1000

// cost says what the server has used.
func (r *Result) cost(s *sheet) {
	for _, row := range []struct {
		name, unit string
		us         *float64
	}{
		{"server CPU", "a message", r.CPUUsPerMessage}, {"", "a connect", r.ConnectCPUUs}, {"", "a subscribe", r.SubscribeCPUUs},
		{"", "a keep-alive ping", r.PingCPUUs}, {"", "a message put by", r.BufferCPUUs}, {"", "a wake", r.WakeCPUUs},
	} {
		if row.us != nil {
			s.add(cmp.Or(row.name, "  "), "%s %s", micros(*row.us), row.unit)
		}
	}
	if r.IdleCPUPercent != nil {
		s.add("  idle", "%.2f %% of a core", *r.IdleCPUPercent)
	}
	if r.RSSBytes != nil {
		text := octets(float64(*r.RSSBytes))
		if per := *r.RSSBytesPerConnection; r.Connections >= telling && per > 0 {
			text += fmt.Sprintf("; %s a connection (of %s)", octets(per), count(r.Connections))
		}
		s.add("server memory", "%s", text)
	}
	if r.RSSBytesPerPinged != nil {
		s.add("  ", "%s a connection after a ping each", octets(*r.RSSBytesPerPinged))
	}
	if r.BufferBytes != nil && *r.BufferBytes > 0 {
		s.add("  ", "%s a message put by", octets(*r.BufferBytes))
	}
	r.calls(s)
	s.add("generator CPU", "%.2f s", r.GeneratorCPUSeconds)
}

// calls says which system calls a message takes, those that matter.
func (r *Result) calls(s *sheet) {
	if r.SyscallsPerMessage == nil {
		if r.ReadsPerMessage != nil {
			s.add("system calls", "%.2f reads and %.2f writes a message (of read, write and their like)", *r.ReadsPerMessage, *r.WritesPerMessage)
		}
		return
	}
	names := slices.SortedFunc(maps.Keys(r.Syscalls), func(a, b string) int { return cmp.Compare(r.Syscalls[b], r.Syscalls[a]) })
	var parts []string
	for _, name := range names {
		if r.Syscalls[name] >= 0.005 {
			parts = append(parts, fmt.Sprintf("%s %.2f", name, r.Syscalls[name]))
		}
	}
	s.add("system calls", "%.2f a message: %s", *r.SyscallsPerMessage, strings.Join(parts, ", "))
}
