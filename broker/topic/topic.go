// Package topic knows topic names and filters: which are legal, which match,
// and, in an index, who subscribed to a name. It is pure.
//
// Names are compared octet by octet, without folding or normalisation
// [MQTT-4.7.3-4]. Nothing here recurses: a topic of 65,535 slashes is as
// harmless as any.
package topic

import (
	"strings"
	"unicode/utf8"
	"unsafe"
)

// Limits bound names and filters. The zero value takes the defaults.
type Limits struct {
	MaxLevels int // zero: 128
	MaxLength int // octets; zero: 65,535 [MQTT-4.7.3-3]
}

const (
	defaultMaxLevels = 128
	defaultMaxLength = 65_535
)

// An Error is why a name or a filter is refused. All are constants: a flood of
// bad topics allocates nothing.
type Error string

// Why a name or a filter is refused.
const (
	ErrEmpty    Error = "empty"                                        // [MQTT-4.7.3-1]
	ErrText     Error = "no UTF-8, or U+0000 in it"                    // [MQTT-4.7.3-2]
	ErrWildcard Error = "a wildcard in a name"                         // [MQTT-4.7.0-1]
	ErrFilter   Error = "# not last, or a wildcard not alone in level" // [MQTT-4.7.1-1], [MQTT-4.7.1-2]
	ErrLength   Error = "longer than allowed"
	ErrLevels   Error = "more levels than allowed"
	ErrShared   Error = "not of the form $share/NAME/FILTER" // [MQTT-4.8.2-1]
)

func (e Error) Error() string { return "topic: " + string(e) }

// CheckName says what is wrong with a topic name; nil: nothing. It keeps no
// reference to name, and copies none.
func CheckName[S string | []byte](name S, l Limits) error {
	var s string
	switch name := any(name).(type) {
	case string:
		s = name
	case []byte:
		s = unsafe.String(unsafe.SliceData(name), len(name)) // only until we return
	}
	if err := l.check(s); err != nil {
		return err
	}
	if HasWildcard(s) {
		return ErrWildcard
	}
	return nil
}

// CheckFilter says what is wrong with a topic filter, shared or not; nil: nothing.
func CheckFilter(filter string, l Limits) error {
	if err := l.check(filter); err != nil {
		return err
	}
	_, rest, _, err := ParseShared(filter)
	if err != nil {
		return err
	}
	for more := true; more; {
		var level string
		level, rest, more = strings.Cut(rest, "/")
		if len(level) > 1 && HasWildcard(level) || level == "#" && more {
			return ErrFilter
		}
	}
	return nil
}

func (l Limits) check(s string) error {
	if l.MaxLevels == 0 {
		l.MaxLevels = defaultMaxLevels
	}
	if l.MaxLength == 0 {
		l.MaxLength = defaultMaxLength
	}
	switch {
	case s == "":
		return ErrEmpty
	case len(s) > l.MaxLength:
		return ErrLength
	case strings.Count(s, "/") >= l.MaxLevels:
		return ErrLevels
	case strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s):
		return ErrText
	}
	return nil
}

// HasWildcard says whether + or # is in s.
func HasWildcard(s string) bool { return strings.ContainsAny(s, "+#") }

// sharePrefix begins the filter of a shared subscription.
const sharePrefix = "$share/"

// ParseShared splits $share/NAME/FILTER (MQTT 5.0, 4.8.2). A filter that is not
// shared comes back as it is.
func ParseShared(filter string) (group, rest string, shared bool, err error) {
	after, shared := strings.CutPrefix(filter, sharePrefix)
	if !shared {
		return "", filter, false, nil
	}
	group, rest, ok := strings.Cut(after, "/")
	if !ok || group == "" || rest == "" || HasWildcard(group) {
		return "", "", true, ErrShared
	}
	return group, rest, true, nil
}

// Match says whether filter, which is a legal one, matches name. A filter that
// begins with a wildcard does not match a name that begins with $
// [MQTT-4.7.2-1].
func Match(filter, name string) bool {
	if strings.HasPrefix(name, "$") && (strings.HasPrefix(filter, "+") || strings.HasPrefix(filter, "#")) {
		return false
	}
	moreF, moreN := true, true
	for moreF && moreN {
		var f, n string
		f, filter, moreF = strings.Cut(filter, "/")
		if f == "#" {
			return true
		}
		n, name, moreN = strings.Cut(name, "/")
		if f != "+" && f != n {
			return false
		}
	}
	return moreF == moreN || moreF && filter == "#" // a/# matches a
}

// Covers says whether filter a matches every name that filter b matches. Both
// are legal filters.
func Covers(a, b string) bool {
	if strings.HasPrefix(b, "$") && (strings.HasPrefix(a, "+") || strings.HasPrefix(a, "#")) {
		return false
	}
	switch b { // # includes the parent, but no name is empty
	case "#":
		b = "+/#"
	case "/#":
		b = "/+/#"
	}
	moreA, moreB := true, true
	for moreA && moreB {
		var x, y string
		x, a, moreA = strings.Cut(a, "/")
		y, b, moreB = strings.Cut(b, "/")
		switch {
		case x == "#":
			return true
		case y == "#", x != "+" && x != y:
			return false
		}
	}
	return moreA == moreB || moreA && a == "#"
}
