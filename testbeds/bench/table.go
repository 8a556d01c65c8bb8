package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
)

// render makes the tables in Markdown.
func render(chosen []scenario, servers []server, found results) string {
	var b strings.Builder
	for _, t := range []*table{cpuTable, memoryTable, callsTable, latencyTable} {
		columns := columnsOf(t, servers)
		var body strings.Builder
		for i := range chosen {
			for _, r := range chosen[i].rows {
				if r.in != t {
					continue
				}
				if line := lineOf(chosen[i].name, r, columns, found); line != "" {
					fmt.Fprintf(&body, "| %s |%s\n", r.title, line)
				}
			}
		}
		if body.Len() == 0 {
			continue
		}
		fmt.Fprintf(&b, "### %s\n\n%s\n\n| |", t.title, t.note)
		for _, c := range columns {
			fmt.Fprintf(&b, " %s |", c.title)
		}
		fmt.Fprintf(&b, "\n| --- |%s\n%s\n", strings.Repeat(" ---: |", len(columns)), body.String())
	}
	return b.String()
}

// A column of a table says what its cells are.
type column struct {
	title string
	cell  func(scenario string, r row, found results) string
}

// lineOf are a row's cells; empty if nothing was measured.
func lineOf(scenario string, r row, columns []column, found results) string {
	var b strings.Builder
	any := false
	for _, c := range columns {
		cell := c.cell(scenario, r, found)
		any = any || cell != none
		fmt.Fprintf(&b, " %s |", cell)
	}
	if !any {
		return ""
	}
	return b.String()
}

// none is a cell without a figure.
const none = "–"

// columnsOf are the servers; of CPU time also what of a server is to what of
// another one that was added to refer to.
func columnsOf(t *table, servers []server) (columns []column) {
	for i := range servers {
		s := servers[i].name
		columns = append(columns, column{s, func(scenario string, r row, found results) string {
			return figure(scenario, r, s, found)
		}})
	}
	for i := range servers {
		if s := servers[i].name; servers[i].added && t == cpuTable {
			columns = append(columns, column{"dormouse : " + s, func(scenario string, r row, found results) string {
				if x, ok := found.ratio(scenario, r, "dormouse", s); ok {
					return fmt.Sprintf("%.2f", x)
				}
				return none
			}})
		}
	}
	return columns
}

// figure is a server's; that of CPU time with its ratio to the floor.
func figure(scenario string, r row, server string, found results) string {
	v, lost, ok := found.best(scenario, server, r.of)
	if !ok {
		return none
	}
	cell := fmt.Sprintf(r.in.format, v)
	if r.in == cpuTable {
		if v < 1 {
			cell = fmt.Sprintf("%.2f", v)
		}
		if x, ok := found.ratio(scenario, r, server, "floor"); ok && server != "floor" {
			cell += fmt.Sprintf(" (%.2f)", x)
		}
	}
	if lost > 0 {
		cell += fmt.Sprintf(", lost %d", lost)
	}
	return cell
}

// ratio is how many times another server's figure one server's is.
func (found results) ratio(scenario string, r row, one, other string) (ratio float64, ok bool) {
	a, _, ok := found.best(scenario, one, r.of)
	b, _, ok2 := found.best(scenario, other, r.of)
	return a / b, ok && ok2 && b > 0
}

// What is between these lines of a page is ours.
const (
	begin = "<!-- make bench writes from here -->\n"
	end   = "<!-- to here -->\n"
)

// rewrite puts the tables into a page.
func rewrite(page, text string) error {
	old, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	head, rest, ok := bytes.Cut(old, []byte(begin))
	_, tail, ok2 := bytes.Cut(rest, []byte(end))
	if !ok || !ok2 {
		return errors.New(page + " has no lines that say where the tables go")
	}
	return os.WriteFile(page, fmt.Appendf(nil, "%s%s\n%s\n%s%s", head, begin, text, end, tail), 0o644)
}
