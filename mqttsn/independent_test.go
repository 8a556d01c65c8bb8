package mqttsn_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// A pageReading is what the tables make of a datagram.
type pageReading struct {
	message *pageMessage
	fields  map[string]any // nil if the octets have no layout
	faults  []string       // the classes why it is refused; the first one counts
	surplus int            // octets after the message (P11)
}

func (r *pageReading) class() string {
	if len(r.faults) == 0 {
		return ""
	}
	return r.faults[0]
}

// readPage decodes a datagram by the tables alone, with the receiver checks of
// section 2 in their order, then those of the fields.
func readPage(in []byte) (r pageReading) {
	m, header, end, class := readHeader(in)
	if class != "" {
		r.faults = []string{class}
		return r
	}
	r = pageReading{message: m, surplus: len(in) - end}
	if r.fields, class = m.readBody(in[header:end]); class != "" {
		r.faults = []string{class}
		return r
	}
	if m.name == "ENCAPSULATED" {
		r.readInner(in[end:])
	} else {
		r.judge()
	}
	return r
}

// readHeader does checks 1 to 4 of section 2. The message is nil only if its
// type is not there or reserved.
func readHeader(in []byte) (m *pageMessage, header, end int, class string) {
	header, long := 2, len(in) > 0 && in[0] == 1
	if long {
		header = 4
	}
	if len(in) < header {
		return nil, 0, 0, "TRUNCATED_HEADER"
	}
	end = int(in[0])
	if long {
		end = pageInt(in[1:])
	}
	m = pageMessageOf(in[header-1])
	switch {
	case end < header:
		return m, 0, 0, "LENGTH_TOO_SMALL"
	case m == nil:
		return m, 0, 0, "RESERVED_TYPE"
	case end > len(in):
		return m, 0, 0, "LENGTH_MISMATCH"
	}
	// One encoder announces two octets too few (P11, 17.1). What follows an
	// encapsulation is its inner message, never such a rest.
	if long && end == 255 && len(in) == 257 && m.name != "ENCAPSULATED" {
		end = 257
	}
	return m, header, end, ""
}

func (m *pageMessage) startsWithBits() bool {
	return slices.ContainsFunc(m.forms, func(form pageForm) bool {
		return len(form) > 0 && form[0].kind == pageBits
	})
}

func pageMessageOf(code byte) *pageMessage {
	for i := range pageMessages {
		if pageMessages[i].code == code {
			return &pageMessages[i]
		}
	}
	return nil
}

// readBody does check 5 of section 2 and takes the fields out.
func (m *pageMessage) readBody(b []byte) (fields map[string]any, class string) {
	class = "BODY_TOO_LONG"
	for _, form := range m.forms {
		least, most := form.size()
		if least <= len(b) && len(b) <= most {
			return form.read(b)
		}
		if len(b) < least {
			class = "BODY_TOO_SHORT"
		}
	}
	return nil, class
}

func (form pageForm) size() (least, most int) {
	rest := 0
	for _, f := range form {
		switch f.kind {
		case pageOctet, pageBits:
			least++
		case pageUint16, pageTopicID:
			least += 2
		case pageTopic, pageText, pageHex:
			if rest = f.most; rest == 0 {
				rest = 1 << 16
			}
		case pageConst:
		}
	}
	return least, least + rest
}

func (form pageForm) read(b []byte) (fields map[string]any, class string) {
	fields = map[string]any{}
	for _, f := range form {
		switch f.kind {
		case pageConst:
			fields[f.name] = f.value
		case pageOctet:
			fields[f.name] = int(b[0])
			b = b[1:]
		case pageUint16:
			fields[f.name] = pageInt(b)
			b = b[2:]
		case pageBits:
			for _, bit := range f.bits {
				fields[bit.name] = bit.as(b[0] & bit.mask)
			}
			if f.name != "" {
				fields[f.name] = int(b[0])
			}
			b = b[1:]
		case pageTopicID:
			readTopicID(fields, b[:2])
			b = b[2:]
		case pageTopic:
			switch {
			case fields["topic_id_type"] == 0:
				fields["topic_name"] = string(b)
			case fields["topic_id_type"] == 3: // reserved: no layout known
			case len(b) < 2:
				return nil, "BODY_TOO_SHORT"
			case len(b) > 2: // exactly 7 octets (5)
				return nil, "BODY_TOO_LONG"
			default:
				readTopicID(fields, b)
			}
		case pageText:
			fields[f.name] = string(b)
		case pageHex:
			fields[f.name] = hex.EncodeToString(b)
		}
	}
	return fields, ""
}

func readTopicID(fields map[string]any, b []byte) {
	if fields["topic_id_type"] == 2 {
		fields["short_topic"] = string(b)
	} else {
		fields["topic_id"] = pageInt(b)
	}
}

func pageInt(b []byte) int { return int(b[0])<<8 | int(b[1]) }

// judge walks the fields in the order of the wire.
func (r *pageReading) judge() {
	for _, name := range r.message.fieldNames() {
		v, present := r.fields[name]
		if !present {
			continue
		}
		for _, rule := range pageRules {
			if rule.field == name && rule.holdsFor(r.message.name) && rule.bad(v, r.fields) {
				r.faults = append(r.faults, rule.class)
			}
		}
	}
}

func (rule *pageRule) holdsFor(message string) bool {
	return rule.types == "" || slices.Contains(strings.Fields(rule.types), message)
}

func (m *pageMessage) fieldNames() (names []string) {
	for _, form := range m.forms {
		for _, f := range form {
			switch f.kind {
			case pageBits:
				for _, bit := range f.bits {
					names = append(names, bit.name)
				}
			case pageTopicID, pageTopic:
				names = append(names, "topic_id", "short_topic", "topic_name")
			default:
				names = append(names, f.name)
			}
		}
	}
	return names
}

// readInner does the checks of section 6 in their order. The fields of the
// inner message are judged where it is unwrapped: section 6 asks for its layout.
func (r *pageReading) readInner(rest []byte) {
	r.surplus = 0
	r.fields["inner_hex"] = hex.EncodeToString(rest)
	if r.fields["wireless_node_id_hex"] == "" {
		r.faults = append(r.faults, "EMPTY_NODE_ID") // nobody to answer
	}
	if len(rest) == 0 {
		r.faults = append(r.faults, "MISSING_INNER")
		return
	}
	m, header, end, class := readHeader(rest)
	if class == "" {
		_, class = m.readBody(rest[header:end])
	}
	if class != "" {
		r.faults = append(r.faults, class)
	}
	if m != nil && m.name == "ENCAPSULATED" {
		r.faults = append(r.faults, "NESTED_FORWARD")
	}
	if len(r.faults) > 0 {
		return
	}
	r.fields["inner_hex"] = hex.EncodeToString(rest[:end])
	r.surplus = len(rest) - end
}

// write encodes the fields in the shortest form: the long one only for what
// does not fit the short one (2). Flags that a message does not use are 0 (4.1).
func (r *pageReading) write(t require.TestingT) []byte {
	var b []byte
	for _, f := range r.form() {
		switch f.kind {
		case pageOctet:
			b = append(b, byte(r.fields[f.name].(int)))
		case pageUint16:
			b = appendInt(b, r.fields[f.name])
		case pageBits:
			b = append(b, f.write(r.fields))
		case pageTopicID, pageTopic:
			b = r.writeTopic(b)
		case pageText:
			b = append(b, r.fields[f.name].(string)...)
		case pageHex:
			b = append(b, pageUnhex(t, r.fields[f.name].(string))...)
		case pageConst:
		}
	}
	out := []byte{byte(len(b) + 2), r.message.code}
	if n := len(b) + 4; len(b)+2 > 255 {
		out = []byte{1, byte(n >> 8), byte(n), r.message.code}
	}
	out = append(out, b...)
	if inner, ok := r.fields["inner_hex"].(string); ok {
		out = append(out, pageUnhex(t, inner)...)
	}
	return out
}

// form is the first whose constants the fields have.
func (r *pageReading) form() pageForm {
	i := slices.IndexFunc(r.message.forms, func(form pageForm) bool {
		return !slices.ContainsFunc(form, func(f pageField) bool {
			v, present := r.fields[f.name]
			return f.kind == pageConst && (!present || v != f.value)
		})
	})
	return r.message.forms[i]
}

// write finds the octet whose bits say what the fields say.
func (f *pageField) write(fields map[string]any) (octet byte) {
	if v, kept := fields[f.name].(int); kept {
		return byte(v)
	}
	for _, bit := range f.bits {
		for v := range 256 {
			if b := byte(v); b&^bit.mask == 0 && bit.as(b) == fields[bit.name] {
				octet |= b
			}
		}
	}
	return octet
}

func (r *pageReading) writeTopic(b []byte) []byte {
	if name, ok := r.fields["topic_name"].(string); ok {
		return append(b, name...)
	}
	if name, ok := r.fields["short_topic"].(string); ok {
		return append(b, name...)
	}
	return appendInt(b, r.fields["topic_id"])
}

func appendInt(b []byte, v any) []byte {
	n := v.(int)
	return append(b, byte(n>>8), byte(n))
}

// TestIndependentTables holds the octets of section 3 against the layouts of
// sections 5 and 6, and the rules against both.
func TestIndependentTables(t *testing.T) {
	for _, m := range pageMessages {
		var body []string
		for _, form := range m.forms {
			least, most := form.size()
			switch {
			case most == least:
				body = append(body, strconv.Itoa(least))
			case least == 0:
				body = append(body, "n")
			default:
				body = append(body, strconv.Itoa(least)+"+n")
			}
		}
		require.Equal(t, m.body, strings.Join(body, " or "), m.name)
	}
	for _, rule := range pageRules {
		fields := map[string]bool{}
		for _, m := range pageMessages {
			for _, name := range m.fieldNames() {
				fields[name] = fields[name] || rule.holdsFor(m.name)
			}
		}
		require.True(t, fields[rule.field], "%s of %s", rule.field, rule.types)
	}
}

// A pagePolicy is what the note of a vector and the readings it names come to.
type pagePolicy struct {
	class   string // "": accepted
	surplus int
	why     string
}

var pagePolicies = map[string]pagePolicy{
	"bad-10":        {surplus: 1, why: "P11"},
	"connect-09":    {why: "C5: the link decides, not the octets"},
	"connect-10":    {why: "C5: up to 255 octets"},
	"connect-11":    {class: "BAD_PROTOCOL_ID", why: "C6"},
	"disconnect-04": {why: "C12"},
	"encap-05":      {class: "EMPTY_NODE_ID", why: "P16"},
	"encap-07":      {class: "NESTED_FORWARD", why: "P16"},
	"publish-21":    {class: "NUL_IN_STRING", why: "T12"},
	"publish-22":    {class: "QOSM1_NORMAL_TOPIC", why: "P1"},
	"publish-26":    {why: "P3"},
	"publish-28":    {why: "P11: read as 257 octets"},
	"subscribe-12":  {class: "BAD_QOS", why: "T14"},
	"willtopic-05":  {class: "EMPTY_WILL_TOPIC", why: "5: never a will on the topic of no octets"},
}

func TestIndependentDecoder(t *testing.T) {
	vectors := loadPageVectors(t)
	require.Len(t, vectors, 173)
	for _, v := range vectors {
		t.Run(v.ID, func(t *testing.T) {
			want := pagePolicy{class: v.Error}
			if v.Verdict == "policy" {
				var known bool
				want, known = pagePolicies[v.ID]
				require.True(t, known, "no reading")
			}
			got := readPage(v.octets(t))
			require.Equal(t, want.class, got.class(), want.why)
			require.Equal(t, want.surplus, got.surplus)
			if v.Type != "" {
				require.Equal(t, v.Type, got.message.name)
			}
			if v.Fields != nil {
				fields := maps.Clone(got.fields)
				delete(fields, pageMirrored)
				require.Equal(t, v.fields(t), fields)
			}
		})
	}
}

// A pageVector is one packet of testdata/vectors-1.2.json.
type pageVector struct {
	ID, Verdict, Type, Error, Hex string

	Prefix string `json:"hex_prefix"`
	Fill   string `json:"fill_hex"`
	Count  int    `json:"fill_count"`
	Fields map[string]any
}

func (v *pageVector) octets(t require.TestingT) []byte {
	return append(pageUnhex(t, v.Hex+v.Prefix), bytes.Repeat(pageUnhex(t, v.Fill), v.Count)...)
}

// fields turns the numbers of JSON into int and writes a filled field out.
func (v *pageVector) fields(t require.TestingT) map[string]any {
	fields := map[string]any{}
	for name, field := range v.Fields {
		switch field := field.(type) {
		case float64:
			fields[name] = int(field)
		case map[string]any:
			fields[name] = strings.Repeat(field["fill_hex"].(string), int(field["fill_count"].(float64)))
		default:
			fields[name] = field
		}
	}
	return fields
}

func loadPageVectors(t require.TestingT) []pageVector {
	text, err := os.ReadFile("testdata/vectors-1.2.json")
	require.NoError(t, err)
	var file struct{ Vectors []pageVector }
	require.NoError(t, json.Unmarshal(text, &file))
	return file.Vectors
}

func pageUnhex(t require.TestingT, s string) []byte {
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

// A disagreement is what the tables refuse and the codec accepts or refuses for
// another reason, and why the codec may.
type disagreement struct {
	types string // the messages; "": all
	page  string // the class of the tables; "": any
	codec func(class string, r pageReading) bool
	why   string
}

var disagreements = []disagreement{
	{"", "", anotherFault, "the page gives no order among the faults of the fields, or of an inner message: any class will do"},
}

func anotherFault(class string, r pageReading) bool { return slices.Contains(r.faults, class) }

// disagreed is the row that allows the class of the codec, or -1.
func (r *pageReading) disagreed(class string) int {
	return slices.IndexFunc(disagreements, func(d disagreement) bool {
		return r.message != nil && (d.types == "" || d.types == r.message.name) &&
			(d.page == "" || d.page == r.class()) && d.codec(class, *r)
	})
}

// A comparison counts what it has seen.
type comparison struct {
	total   int
	classes map[string]int
	rows    map[int]int // of disagreements
}

// agree wants the same verdict, class, surplus and octets from the codec and
// from the tables.
func (c *comparison) agree(t require.TestingT, in []byte) {
	want := readPage(in)
	c.total++
	c.classes[want.class()]++
	before := bytes.Clone(in)
	out, surplus, err := pageCodec(in)
	require.True(t, bytes.Equal(before, in), "the datagram was written to")
	class := ""
	if err != nil {
		class = mqttsn.ClassOf(err).String()
	}
	if class != want.class() {
		row := want.disagreed(class)
		require.NotEqual(t, -1, row, "%x: page %q, codec %q", in, want.faults, class)
		c.rows[row]++
	}
	if class == "" {
		require.Equal(t, want.surplus, surplus, "%x", in)
		require.Equal(t, hex.EncodeToString(want.write(t)), hex.EncodeToString(out), "%x", in)
	}
}

// pageCodec decodes, checks and encodes with the package under test. What it
// unwraps from an encapsulation it decodes too, as a gateway does; its fields
// are judged later (6).
func pageCodec(in []byte) (out []byte, surplus int, err error) {
	var d mqttsn.Decoder
	p, surplus, err := d.Decode(in)
	if err != nil {
		return nil, 0, err
	}
	if err = mqttsn.Check(p); err != nil {
		return nil, 0, err
	}
	out = p.AppendTo(nil)
	if p.Type().String() != "ENCAPSULATED" {
		return out, surplus, nil
	}
	_, surplus, err = d.Decode(out[int(out[0]):])
	return out[:len(out)-surplus], surplus, err
}

func TestCodecsAgree(t *testing.T) {
	var bases [][]byte
	for _, v := range loadPageVectors(t) {
		bases = append(bases, v.octets(t))
	}
	c := comparison{classes: map[string]int{}, rows: map[int]int{}}

	t.Run("vectors", func(t *testing.T) {
		for _, in := range bases {
			c.agree(t, in)
		}
	})
	t.Run("every type and flags, short bodies", func(t *testing.T) {
		for code := range 256 {
			for flags := range 256 {
				c.agreeOnBodies(t, byte(code), byte(flags))
				if m := pageMessageOf(byte(code)); m == nil || !m.startsWithBits() {
					break
				}
			}
		}
		require.Len(t, c.rows, len(disagreements), "a disagreement is no more")
	})
	t.Run("long bodies", func(t *testing.T) {
		for _, m := range pageMessages {
			for n := 240; n < 270; n++ {
				body := append([]byte{0x00, 0x01, 0x00, 0x05}, bytes.Repeat([]byte("a"), n)...)
				c.agree(t, pageFrame(m.code, body, true))
				c.agree(t, pageFrame(m.code, body, false))
				c.agree(t, append(pageFrame(m.code, body, true), "\x02\x16"...))
				c.agree(t, append([]byte{4, 0xFE, 0, 7}, pageFrame(m.code, body, true)...))
				c.agree(t, append([]byte{1, 0, 255, m.code}, body...))
				c.agree(t, append([]byte{4, 0xFE, 0, 7, 1, 0, 255, m.code}, body...))
			}
		}
	})
	t.Run("changed vectors", rapid.MakeCheck(func(t *rapid.T) {
		c.agree(t, drawChanged(t, bases))
	}))
	t.Run("random octets", rapid.MakeCheck(func(t *rapid.T) {
		c.agree(t, drawOctets(t, 300))
	}))
	t.Run("random bodies", rapid.MakeCheck(func(t *rapid.T) {
		m := rapid.SampledFrom(pageMessages).Draw(t, "type")
		c.agree(t, drawFrame(t, m.code, drawOctets(t, 40)))
	}))
	t.Run("random texts", rapid.MakeCheck(func(t *rapid.T) {
		m := rapid.SampledFrom(pageMessages).Draw(t, "type")
		least, _ := m.forms[len(m.forms)-1].size()
		body := rapid.SliceOfN(drawOctet(), least, least).Draw(t, "fixed")
		body = append(body, rapid.StringOfN(rapid.RuneFrom([]rune("a/+#$\x00é")), 0, 12, -1).Draw(t, "text")...)
		c.agree(t, pageFrame(m.code, body, false))
	}))
	t.Logf("%d datagrams; refused by class: %v; in disagreements by row: %v", c.total, c.classes, c.rows)
}

// agreeOnBodies tries the bodies of up to nine octets that start with flags and
// go on with what means something to one type or another.
func (c *comparison) agreeOnBodies(t require.TestingT, code, flags byte) {
	for _, tail := range []string{"\x01\x00\x05ab/c#", "\x00\x00\x00\x00\x00", "\xff\xff\xff\xff\xff\xff", "a#+\x00/#", "#/+\xff\xff",
		"\x01\xc3\xa9\xed\xa0\x80", "t1t1t1", "t1+/a/#", "\x00\x01\x00\x01"} {
		for n := range len(tail) + 2 {
			body := append([]byte{flags}, tail...)[:n]
			c.agree(t, pageFrame(code, body, false))
			c.agree(t, pageFrame(code, body, true))
			c.agree(t, append([]byte{5, 0xFE, flags, 7, 8}, pageFrame(code, body, false)...))
		}
	}
}

// pageFrame puts the header before a body.
func pageFrame(code byte, body []byte, long bool) []byte {
	if n := len(body) + 2; n <= 255 && !long {
		return append([]byte{byte(n), code}, body...)
	}
	n := len(body) + 4
	return append([]byte{1, byte(n >> 8), byte(n), code}, body...)
}

// drawOctets prefers the octets that mean something somewhere.
func drawOctets(t *rapid.T, most int) []byte {
	return rapid.SliceOfN(drawOctet(), 0, most).Draw(t, "octets")
}

func drawOctet() *rapid.Generator[byte] {
	return rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte("\x00\x01\x02\x03\x60\x62\xfe\xff#+/$a\xc3\xa9\xed\xa0\x80\xf4\x90\xef\xbf")))
}

// drawFrame sometimes takes the long form without need, and sometimes lies
// about the length.
func drawFrame(t *rapid.T, code byte, body []byte) []byte {
	b := pageFrame(code, body, rapid.Bool().Draw(t, "long"))
	if lie := rapid.SampledFrom([]int{0, 0, 0, 0, -2, -1, 1}).Draw(t, "lie"); b[0] == 1 {
		b[2] += byte(lie)
	} else {
		b[0] += byte(lie)
	}
	return b
}

// drawChanged takes a vector and spoils it in a few places.
func drawChanged(t *rapid.T, bases [][]byte) []byte {
	b := bytes.Clone(rapid.SampledFrom(bases).Draw(t, "vector"))
	for range rapid.IntRange(0, 5).Draw(t, "changes") {
		at := rapid.IntRange(0, min(len(b), 300)).Draw(t, "at")
		octet := drawOctet().Draw(t, "octet")
		switch rapid.SampledFrom(pageChanges).Draw(t, "change") {
		case "insert":
			b = append(b[:at:at], append([]byte{octet}, b[at:]...)...)
		case "append":
			b = append(b, octet)
		case "truncate":
			b = b[:at]
		case "wrap":
			b = append([]byte{4, 0xFE, octet, 9}, b...)
		case "stretch":
			b = append(b, bytes.Repeat([]byte("s"), 257)...)
			b = append([]byte{1, 0, 255}, b[1:255]...) // keeps the type and 253 octets
		case "reframe":
			if len(b) > 2 && len(b) < 65000 {
				b = drawFrame(t, b[1], b[2:])
			}
		case "join":
			b = append(b, rapid.SampledFrom(bases).Draw(t, "next")...)
		default:
			if at < len(b) {
				b = changeOctet(t, b, at, octet)
			}
		}
	}
	return b
}

var pageChanges = []string{"flip", "set", "insert", "delete", "append", "truncate", "wrap", "stretch", "reframe", "reframe", "join"}

func changeOctet(t *rapid.T, b []byte, at int, octet byte) []byte {
	switch rapid.IntRange(0, 2).Draw(t, "how") {
	case 0:
		b[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
	case 1:
		b[at] = octet
	default:
		b = append(b[:at:at], b[at+1:]...)
	}
	return b
}
