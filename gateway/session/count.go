package session

// A Counter is something that a session has its peer count.
type Counter uint8

// What is counted.
const (
	DoesNotFit   Counter = iota // messages for a node whose link does not take them (P10)
	TopicRefused                // messages on topics that the node refused (T3)
	TopicsFull                  // messages on topics for which it can have no id (T6)
	NotTaken                    // messages that the node refused for another reason
	Abandoned                   // exchanges of QoS 2 that the node left alone for a day
	Unheard                     // requests dropped while answers to the node wait
	Withdrawn                   // messages taken back because the store failed (L9)
	NumCounters
)
