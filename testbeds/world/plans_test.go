package world

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// courses is under how many seeds a plan is run, from its own on: what the
// network does is drawn in another order whenever the world is changed.
const courses = 500

// TestWorldPlans runs the plans that found something once. One that begins with
// "# known:" waits for its cure: it may fail.
func TestWorldPlans(t *testing.T) {
	files, err := filepath.Glob("plans/*.plan")
	require.NoError(t, err)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".plan"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			violations := parsePlan(string(text)).courses()
			if strings.HasPrefix(string(text), "# known:") {
				t.Logf("known: %q", violations)
				return
			}
			require.Empty(t, violations)
		})
	}
}

// courses runs a plan under several seeds and gives the first violations.
func (p *plan) courses() []string {
	for i := range uint64(courses) {
		q := p.copy()
		q.seed += i
		if v := q.try().violations; len(v) > 0 {
			return append(v, q.String())
		}
	}
	return nil
}
