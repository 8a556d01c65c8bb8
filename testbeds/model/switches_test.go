package model

// Where the broker is known to differ from the specification pages. Each of these
// makes the model lenient in one point, so that the rest can be explored; it goes
// when the broker has changed.
const (
	// retainedEndWithCrash: retained messages that a subscription brings, and that
	// were not sent before a crash, are not sent after it: what is owed of them is
	// not stored.
	retainedEndWithCrash = true
	// boundTakesNewOptions: a message of QoS 2 of a shared subscription that is sent
	// again after a restart keeps its QoS, but carries RETAIN and identifier as the
	// member's newest SUBSCRIBE has them, not as it was sent before that.
	boundTakesNewOptions = true
	// toldBeforeRegack: a crash after the record of a topic id was durable and
	// before REGACK or SUBACK left has the sleeper get PUBLISH under an id that it
	// was never told, against T5.
	toldBeforeRegack = true
)
