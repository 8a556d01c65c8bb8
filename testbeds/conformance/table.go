package main

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"
)

// tests are the functions with a sub-test for each vector.
const tests = "^(TestVectors|TestIndependentDecoder|TestValidVectors|TestMalformedVectors|" +
	"TestValidString|TestVarint|TestPahoV5|TestPahoV3|TestNPM)$"

// A section is a table: a row for each group of vectors, a column for each test
// that they go through.
type section struct {
	title, text string
	file        string
	nameOf      func(v vector) string
	columns     []column
}

// A column counts the vectors of a group that one of the functions passed.
type column struct {
	title     string
	functions []string
}

var sections = []section{
	{
		title: "MQTT-SN 1.2", file: "mqttsn/testdata/vectors-1.2.json",
		text:   "The second decoder is written in the test, from the tables of the specification alone.",
		nameOf: func(v vector) string { return cmp.Or(v.Type, "no message") + ", " + verdicts[v.Verdict] },
		columns: []column{
			{"passed", []string{"mqttsn.TestVectors"}},
			{"second decoder", []string{"mqttsn.TestIndependentDecoder"}},
		},
	},
	{
		title: "MQTT, valid packets", file: "broker/mqtt/testdata/mqtt-vectors.json",
		text: "Paho is paho.golang for 5.0 and paho.mqtt.golang for 3.x. A packet counts there when the " +
			"peer agrees, or when the notes below say why it does not.",
		nameOf: func(v vector) string {
			if !v.Valid {
				return ""
			}
			return v.Version + " " + v.Packet
		},
		columns: []column{
			{"passed", []string{"broker/mqtt.TestValidVectors"}},
			{"Paho", []string{"testbeds/crosscheck.TestPahoV3", "testbeds/crosscheck.TestPahoV5"}},
			{"mqtt-packet", []string{"testbeds/crosscheck.TestNPM"}},
		},
	},
	{
		title: "MQTT, malformed packets", file: "broker/mqtt/testdata/mqtt-vectors.json",
		text: "Refused with the reaction that the codec decides, or let pass for the reason in the notes.",
		nameOf: func(v vector) string {
			if v.Valid {
				return ""
			}
			return v.Version + " " + strings.Replace(v.Packet, "-", "no packet", 1)
		},
		columns: []column{{"passed", []string{"broker/mqtt.TestMalformedVectors"}}},
	},
}

var verdicts = map[string]string{"accept": "accepted", "reject": "refused", "policy": "left open, by our reading"}

// render makes the page of a run in the module at root.
func render(root string) ([]byte, error) {
	r, err := runVectors(root)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("# Conformance of the codecs\n\nMade by `make conformance` from a run of the tests; CI fails when it is stale.\n")
	for _, s := range sections {
		all, err := groups(root, s.file, s.nameOf)
		if err != nil {
			return nil, err
		}
		s.write(&b, all, r)
	}
	writeTopics(&b, r)
	writeNotes(&b, r)
	return b.Bytes(), nil
}

func (s *section) write(b *bytes.Buffer, all []group, r run) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n| group | vectors |", s.title, s.text)
	for _, c := range s.columns {
		fmt.Fprintf(b, " %s |", c.title)
	}
	b.WriteString("\n| --- | ---: |" + strings.Repeat(" ---: |", len(s.columns)) + "\n")
	total := make([]int, 1+len(s.columns))
	for _, g := range all {
		row := []int{len(g.ids)}
		for _, c := range s.columns {
			row = append(row, c.count(g, r))
		}
		writeRow(b, g.name, row)
		for i, n := range row {
			total[i] += n
		}
	}
	writeRow(b, "**all**", total)
}

func (c *column) count(g group, r run) (n int) {
	for _, f := range c.functions {
		for _, t := range r[f] {
			if g.ids[t.vector] && t.passed {
				n++
			}
		}
	}
	return n
}

func writeRow(b *bytes.Buffer, name string, numbers []int) {
	fmt.Fprintf(b, "| %s |", name)
	for _, n := range numbers {
		fmt.Fprintf(b, " %d |", n)
	}
	b.WriteByte('\n')
}

// writeTopics tells of the vectors that are no packets.
func writeTopics(b *bytes.Buffer, r run) {
	b.WriteString("\n## Topics, text and numbers\n\n| group | passed |\n| --- | ---: |\n")
	count := func(function, prefix string) (n int) {
		for _, t := range r[function] {
			if strings.HasPrefix(t.vector, prefix) && t.passed {
				n++
			}
		}
		return n
	}
	writeRow(b, "filter matches name", []int{count("broker/topic.TestVectors", "match/")})
	writeRow(b, "filter is valid, shared or not", []int{count("broker/topic.TestVectors", "filter/")})
	writeRow(b, "name is valid", []int{count("broker/topic.TestVectors", "name/")})
	writeRow(b, "UTF-8 string", []int{count("broker/mqtt.TestValidString", "")})
	writeRow(b, "variable byte integer", []int{count("broker/mqtt.TestVarint", "")})
}

// writeNotes tells what tests had to say of single vectors.
func writeNotes(b *bytes.Buffer, r run) {
	b.WriteString("\n## Notes\n\nWhat the tests have to say of single vectors. Letters with a number, such as (P11), are rows of our\n" +
		"readings of MQTT-SN 1.2, where its text is silent.\n\n| test | vector | note |\n| --- | --- | --- |\n")
	for _, s := range sections {
		for _, c := range s.columns {
			for _, f := range c.functions {
				for _, t := range r[f] {
					if t.note != "" {
						fmt.Fprintf(b, "| %s | %s | %s |\n", f[strings.LastIndex(f, ".Test")+5:], t.vector, t.note)
					}
				}
			}
		}
	}
}
