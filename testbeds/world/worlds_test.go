package world

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	seeds     = flag.Int("seeds", 300, "how many random worlds TestWorlds runs")
	firstSeed = flag.Uint64("first", 0, "the first of their seeds")
	untilOne  = flag.Bool("until-failure", false, "TestWorlds ends at the first failure")
	planFile  = flag.String("plan", "", "a plan for TestWorldPlan to run")
	failures  = flag.Int("failures", 3, "after how many failures TestWorlds shrinks no more")
)

// summary is what TestWorlds prints last.
var summary string

func TestMain(m *testing.M) {
	code := m.Run()
	fmt.Print(summary)
	os.Exit(code)
}

// A verdict is how a world ended.
type verdict struct {
	hash       string
	violations []string
	panicked   string
}

// try runs a plan and says how it ended; a panic is a violation too.
func (p *plan) try() (v verdict) {
	defer func() {
		if e := recover(); e != nil {
			v.panicked = fmt.Sprint(e)
			v.violations = append(v.violations, "panic: "+v.panicked)
		}
	}()
	r := p.play(true)
	return verdict{hash: r.Hash(), violations: r.h.violations}
}

// TestWorlds runs random worlds, one for each seed, as many at once as there are
// processors, and prints what it found in the order of seeds.
func TestWorlds(t *testing.T) {
	if raceEnabled {
		*seeds = min(*seeds, 20)
	}
	began := time.Now()
	results := make([]verdict, *seeds)
	var next atomic.Int64
	var enough atomic.Bool
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(*seeds) && !enough.Load(); i = next.Add(1) - 1 {
				results[i] = newPlan(*firstSeed + uint64(i)).try()
				enough.Store(*untilOne && len(results[i].violations) > 0 || enough.Load())
			}
		})
	}
	workers.Wait()
	took := time.Since(began)
	sum, failed := sha256.New(), 0
	for i, v := range results {
		sum.Write([]byte(v.hash))
		if len(v.violations) == 0 {
			continue
		}
		if failed++; *untilOne && failed > 1 {
			continue
		}
		if failed <= *failures {
			report(t, *firstSeed+uint64(i), v)
		} else {
			t.Errorf("seed %d: %s", *firstSeed+uint64(i), v.violations[0])
		}
	}
	summary = fmt.Sprintf("%d worlds, %d failed, %.0f worlds per second\n%x\n", *seeds, failed, float64(*seeds)/took.Seconds(), sum.Sum(nil))
}

// report prints a failure's seed and the smallest plan that fails in its way.
func report(t *testing.T, seed uint64, v verdict) {
	p := newPlan(seed)
	small := p.shrink(kindOf(v.violations[0]))
	t.Errorf("seed %d: %s\nshrunk to:\n%s%s", seed, strings.Join(v.violations, "\n"), small, strings.Join(small.try().violations, "\n"))
}

// TestWorldPlan runs the plan of a file and prints its trace.
func TestWorldPlan(t *testing.T) {
	if *planFile == "" {
		t.Skip("no -plan")
	}
	text, err := os.ReadFile(*planFile)
	if err != nil {
		t.Fatal(err)
	}
	r := parsePlan(string(text)).play(false)
	fmt.Print(r.Trace())
	for _, v := range r.h.violations {
		t.Error(v)
	}
}

// TestSamePlanSameTrace: a plan's text is the whole plan, and whether the trace
// is kept changes nothing.
func TestSamePlanSameTrace(t *testing.T) {
	for seed := range uint64(5) {
		p := newPlan(seed)
		hash := p.play(true).Hash()
		if again := parsePlan(p.String()).play(false).Hash(); again != hash {
			t.Errorf("seed %d: %s, then %s", seed, hash, again)
		}
	}
}

// TestSameTraceAtAnyGOMAXPROCS: worlds that run side by side do not see each
// other.
func TestSameTraceAtAnyGOMAXPROCS(t *testing.T) {
	const worlds = 8
	var alone, together [worlds]string
	for seed := range uint64(worlds) {
		alone[seed] = newPlan(seed).try().hash
	}
	var all sync.WaitGroup
	for seed := range uint64(worlds) {
		all.Go(func() { together[seed] = newPlan(seed).try().hash })
	}
	if all.Wait(); alone != together {
		t.Errorf("%q alone, %q together", alone, together)
	}
}
