package arch

// An arrow says which of our packages one package, or a tree of them, may
// import. The first row whose pattern matches a package is its row. Patterns
// name a package (`radio`), or a package and all below it (`radio/...`).
type arrow struct {
	from string
	to   []string
	why  string // what a reader should know who broke it
}

// arrows are the rooms and which way their arrows point. A new package finds
// its row here, or gets one: a package without a row is an error.
var arrows = []arrow{
	{"radio", nil, "types only: every medium and both cores stand on it"},
	{"radio/...", []string{"radio/..."}, "a medium knows datagrams, not protocols; what it must keep it asks for by an interface of its own"},

	{"mqttsn", nil, "a codec"},
	{"mqttsn/client", []string{"mqttsn"}, "the node's side, without a loop"},
	{"mqttsn/conn", []string{"mqttsn", "mqttsn/client", "radio"}, "the small loop around the node's side"},

	{"broker/mqtt", nil, "a codec"},
	{"broker/topic", []string{"broker/table"}, "a leaf but for its tables"},
	{"broker/pages", nil, "a leaf"},
	{"broker/table", []string{"broker/pages"}, "a leaf but for its pages"},
	{"broker/deadline", []string{"broker/pages"}, "a leaf but for its pages"},
	{"broker/store", nil, "the contract; implementations are below it"},
	{"broker/store/...", []string{"broker/store/..."}, "a store knows keys and values, not MQTT"},
	{"broker/shard", []string{"broker/store", "radio"}, "the seam between cores and loops"},
	{"broker/session", []string{"broker/mqtt", "broker/topic", "broker/deadline", "broker/shard", "broker/store"}, "one session knows no other"},
	{"broker/core", []string{"broker/mqtt", "broker/topic", "broker/deadline", "broker/table", "broker/shard", "broker/store", "broker/session"}, "a core knows no loop, and nothing of the gateway: calls go down only"},
	{"broker/loop", []string{"broker/shard", "broker/store", "broker/deadline", "broker/pages", "radio"}, "a loop runs any machine"},
	{"broker", []string{"broker/...", "radio"}, "broker and gateway never import each other"},
	{"broker/...", []string{"broker/..."}, "the broker's parts stand by themselves"},

	{"gateway/session", []string{"mqttsn", "radio", "broker/shard", "broker/topic", "broker/deadline", "broker/store"}, "the broker is behind Uplink"},
	{"gateway/core", []string{"gateway/session", "mqttsn", "radio", "broker/shard", "broker/topic", "broker/deadline", "broker/table", "broker/store"}, "the broker is behind Uplink"},
	// broker/mqtt: the broker's core answers in MQTT's reason codes, which
	// are translated here and nowhere else.
	{"gateway/local", []string{"gateway/session", "gateway/core", "mqttsn", "radio", "broker/shard", "broker/topic", "broker/deadline", "broker/store", "broker/core", "broker/session", "broker/mqtt"}, "the composition of both cores, and no more"},
	{"gateway/...", []string{"gateway/...", "mqttsn", "radio", "broker/shard"}, "broker and gateway never import each other"},

	{"firmware-sim/sim", virtual, "virtual time: never a loop"},
	{"testbeds/world/...", virtual, "virtual time: never a loop"},
	{"firmware-sim/...", []string{"firmware-sim/...", "mqttsn", "mqttsn/client", "radio/..."}, "nodes and their channel know no broker"},

	{"cmd/...", []string{"..."}, ""},
	{"testbeds/...", []string{"..."}, ""},
}

// virtual is what runs in virtual time may use: the cores, never a loop.
var virtual = []string{
	"mqttsn", "mqttsn/client", "radio", "broker/shard", "broker/core",
	"broker/store", "broker/store/memory", "broker/store/sim",
	"gateway/core", "gateway/local",
	"firmware-sim/node", "firmware-sim/sensor", "firmware-sim/medium",
}

// tops are the rooms that only those above them may use.
var tops = []arrow{
	{"cmd/...", []string{"cmd/..."}, "programs are not used by packages"},
	{"testbeds/...", []string{"testbeds/..."}, "the product does not depend on its tests"},
}

// pure are the packages that only decide: time and bytes come in as arguments.
var pure = []string{
	"mqttsn", "mqttsn/client",
	"radio", "radio/slip", "radio/hdlc", "radio/cobs", "radio/xbee", "radio/ieee802154",
	"broker/mqtt", "broker/topic", "broker/session", "broker/core", "broker/shard",
	"broker/deadline", "broker/pages", "broker/table", "broker/store", "broker/store/sim",
	"gateway/session", "gateway/core", "gateway/local",
	"firmware-sim/medium", "firmware-sim/node",
}

// impure are the standard packages that a pure one does not import, with all
// below them, and what to do instead.
var impure = map[string]string{
	"net":         "a loop opens sockets; net/netip is fine",
	"os":          "a loop or cmd reads files and the environment",
	"sync":        "one goroutine owns a core; sync/atomic is fine",
	"context":     "nothing here waits",
	"log":         "leave a Note in the shard's Out",
	"syscall":     "a loop talks to the system",
	"crypto/rand": "take a seeded source as an argument",
}

// harmless are exceptions from impure.
var harmless = map[string]bool{"net/netip": true, "sync/atomic": true}

// clock are the functions of package time that read the clock or wait.
var clock = []string{
	"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker",
}

// seeded are the functions of math/rand and math/rand/v2 that make a generator
// from a seed; the others draw from one that nobody can replay.
var seeded = []string{"New", "NewSource", "NewPCG", "NewChaCha8", "NewZipf"}
