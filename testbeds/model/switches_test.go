package model

// Where the broker is known to differ from the specification pages. Each of these
// makes the model lenient in one point, so that the rest can be explored; it goes
// when the broker has changed.
const (
	// qos0WaitsForWindow: at a send quota of 0 messages of QoS 0 wait behind
	// those of QoS 1 and 2 in the queue. 8.9 says that ours do not.
	qos0WaitsForWindow = true
	// retainedEndsWithConnection: retained messages of QoS 1 and 2 that a new
	// subscription brings, and that the window held back until the connection
	// ended, are not sent on the next one.
	retainedEndsWithConnection = true
	// groupForgetsVolatileMember: a message of QoS 2 of a stored shared
	// subscription, in flight to a member whose session is not stored, goes to
	// another member after a restart, against [MQTT-4.8.2-5] (8.8, L7).
	groupForgetsVolatileMember = true
	// groupForgetsOptions: a message of QoS 2 of a shared subscription that is sent
	// again after a restart has lost its Subscription Identifier and RETAIN
	// [MQTT-3.3.4-3].
	groupForgetsOptions = true
	// groupEndsWithItsMessages: when the last member unsubscribes, what it has in
	// flight of the group is gone after a restart or when its connection breaks,
	// against [MQTT-3.10.4-3].
	groupEndsWithItsMessages = true
	// pubrelWaitsForWindow: on a new connection with a smaller Receive Maximum
	// PUBREL waits for the window, too, against [MQTT-4.4.0-1] and 8.9.
	pubrelWaitsForWindow = true
	// pingrespBeforeRetained: when a sleeper has subscribed twice, and the first
	// subscription brings nothing, PINGRESP comes before the retained messages of
	// the second, against S3. They come in the next wake.
	pingrespBeforeRetained = true
	// toldBeforeRegack: a crash after the record of a topic id was durable and
	// before REGACK or SUBACK left has the sleeper get PUBLISH under an id that it
	// was never told, against T5.
	toldBeforeRegack = true
	// cleanNodesSleep: nodes with a clean session sleep, too. A restart does not
	// find them asleep, against L4 and L14.
	cleanNodesSleep = false
)
