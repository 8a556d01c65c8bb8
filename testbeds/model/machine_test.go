package model

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dormouse-mqtt/dormouse/broker/store"
)

// TestMain makes more and longer runs than rapid does by itself, the same each
// time, unless the command line says how many, or another -rapid.seed (0: any).
func TestMain(m *testing.M) {
	flag.Parse()
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for name, value := range map[string]string{"rapid.checks": checks, "rapid.steps": "60", "rapid.seed": "1"} {
		if !given[name] {
			if err := flag.Set(name, value); err != nil {
				panic(err)
			}
		}
	}
	os.Exit(m.Run())
}

// TestModel: with one shard and with several, what clients get is what the model says.
func TestModel(t *testing.T) {
	for _, shards := range []int{1, 3} {
		t.Run(fmt.Sprint(shards), rapid.MakeCheck(func(t *rapid.T) {
			w := newWorld(t, shards)
			t.Repeat(w.actions())
		}))
	}
}

func (w *world) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"connect":     w.connect,
		"subscribe":   w.subscribe,
		"subscribe2":  w.subscribe,
		"unsubscribe": w.unsubscribe,
		"publish":     w.publish,
		"publish2":    w.publish,
		"publish3":    w.publish,
		"goOn":        w.goOn,
		"acknowledge": w.acknowledge,
		"ack2":        w.acknowledge,
		"ping":        w.ping,
		"goodbye":     w.goodbye,
		"drop":        w.drop,
		"node":        w.nodeConnects,
		"nodeTopic":   w.nodeAsks,
		"nodePublish": w.nodePublishes,
		"nodeSleeps":  w.nodeSleeps,
		"nodeWakes":   w.nodePings,
		"pass":        w.pass,
		"hold":        w.hold,
		"commit":      w.commit,
		"crash":       w.restart,
	}
}

// pass lets time pass. The store keeps up.
func (w *world) pass(t *rapid.T) {
	d := pick(t, "time", time.Second, 7*time.Second, 29*time.Second, 60*time.Second, 300*time.Second)
	w.held = false
	w.do("the store keeps up", func() {})
	w.do(fmt.Sprint(d, " pass"), func() {
		w.model.due(w.model.now + d)
		w.site.pass(d, w.listenOn)
	})
}

// hold begins or ends that the store commits when it is told to.
func (w *world) hold(t *rapid.T) {
	w.held = !w.held
	if w.held {
		w.log = append(w.log, "the store is held")
		return
	}
	w.do("the store keeps up", func() {})
}

// commit makes some of what the store holds durable.
func (w *world) commit(t *rapid.T) {
	if !w.held || len(w.states) < 2 {
		t.Skip("nothing is held")
	}
	to := w.states[rapid.IntRange(0, len(w.states)-1).Draw(t, "operations")].ticket
	if to <= w.site.committed {
		t.Skip("it has that")
	}
	w.do(fmt.Sprintf("the store commits %d of %d batches", to-w.site.committed, w.site.submitted-w.site.committed), func() { w.site.commit(store.Ticket(to)) })
}

func (w *world) restart(t *rapid.T) {
	if rapid.IntRange(0, 2).Draw(t, "really") > 0 {
		t.Skip("not now")
	}
	w.crash(rapid.IntRange(0, len(w.states)-1).Draw(t, "operations"), pick(t, "outage", boot, 5*time.Second, 100*time.Second))
}
