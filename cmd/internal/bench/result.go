package bench

import "time"

// A Result is what was measured. What is not known is nil, and null in JSON.
type Result struct {
	Scenario Scenario `json:"scenario"`
	Engine   string   `json:"engine"` // epoll or goroutines
	PIDs     []int    `json:"pids"`   // of the server

	// Interrupted: the run was ended early, and this is what it had measured.
	Interrupted bool    `json:"interrupted"`
	Seconds     float64 `json:"seconds"` // from the first message to the last
	Sent        uint64  `json:"sent"`
	Unsent      uint64  `json:"unsent"`    // due, with a rate, but never sent
	Delivered   uint64  `json:"delivered"` // without duplicates
	Lost        uint64  `json:"lost"`
	Duplicates  uint64  `json:"duplicates"`
	OutOfOrder  uint64  `json:"out_of_order"`
	Refused     uint64  `json:"refused"`    // by the server's acknowledgement
	Closed      int     `json:"closed"`     // connections that the server ended
	Repeated    uint64  `json:"repeated"`   // datagrams that nodes sent again
	RatePerS    float64 `json:"rate_per_s"` // delivered

	CPUSeconds         *float64           `json:"cpu_seconds"` // of the server
	CPUUsPerMessage    *float64           `json:"cpu_us_per_message"`
	Syscalls           map[string]float64 `json:"syscalls"` // per message, by name
	SyscallsPerMessage *float64           `json:"syscalls_per_message"`
	ReadsPerMessage    *float64           `json:"reads_per_message"` // as /proc/PID/io counts them
	WritesPerMessage   *float64           `json:"writes_per_message"`

	Connections           int      `json:"connections"`
	ConnectsPerS          float64  `json:"connects_per_s"`
	ConnectCPUUs          *float64 `json:"connect_cpu_us"`
	SubscribeCPUUs        *float64 `json:"subscribe_cpu_us"`
	RSSBytes              *int64   `json:"rss_bytes"`
	RSSBytesPerConnection *float64 `json:"rss_bytes_per_connection"`

	IdleCPUPercent      *float64 `json:"idle_cpu_percent"`
	PingCPUUs           *float64 `json:"ping_cpu_us"`
	RSSBytesPerPinged   *float64 `json:"rss_bytes_per_connection_after_ping"`
	Wakes               uint64   `json:"wakes"`
	WakesIncomplete     uint64   `json:"wakes_incomplete"` // ended before all messages had come
	WakeUs              *Spread  `json:"wake_us"`          // from when it was due to PINGRESP
	WakeCPUUs           *float64 `json:"wake_cpu_us"`
	BufferCPUUs         *float64 `json:"buffer_cpu_us_per_message"`
	BufferBytes         *float64 `json:"buffer_bytes_per_message"`
	LatencyUs           *Spread  `json:"latency_us"`
	GeneratorLateUsP99  *float64 `json:"generator_late_us_p99"` // with a rate
	GeneratorCPUSeconds float64  `json:"generator_cpu_seconds"`
	Notes               []string `json:"notes"`
}

// A Spread is how durations are spread, in microseconds.
type Spread struct {
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
	Mean float64 `json:"mean"`
}

func micro(d time.Duration) float64 { return float64(d.Nanoseconds()/10) / 100 }

// spread is nil of nothing.
func spread(h *Histogram) *Spread {
	if h.Count() == 0 {
		return nil
	}
	return &Spread{
		P50: micro(h.Quantile(0.5)), P90: micro(h.Quantile(0.9)), P99: micro(h.Quantile(0.99)),
		P999: micro(h.Quantile(0.999)), Max: micro(h.Max()), Mean: micro(h.Mean()),
	}
}

// Failed tells whether the server broke its word: messages of QoS 1 or 2 were
// lost, those of QoS 2 came twice, or connections ended.
func (r *Result) Failed() bool {
	return r.Closed > 0 || r.Lost > 0 && r.Scenario.QoS > 0 || r.Duplicates > 0 && r.Scenario.QoS == 2
}
