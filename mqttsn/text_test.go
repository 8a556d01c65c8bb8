package mqttsn

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckName(t *testing.T) {
	f := newTextField(TypeRegister, "topic name")
	for _, tt := range []struct {
		in    string
		class DropClass
	}{
		{"a", NoDrop},
		{"a/b", NoDrop},
		{"/", NoDrop},
		{"$SYS/load", NoDrop},
		{"été", NoDrop},
		{"", EmptyTopic},
		{"#", WildcardInName},
		{"a+b", WildcardInName},
		{"a\x00", NULInString},
		{"\xff", BadUTF8},
		{"a\xc3", BadUTF8},
		{"\xed\xa0\x80", BadUTF8}, // a surrogate
	} {
		require.Equal(t, tt.class, ClassOf(f.checkName([]byte(tt.in))), "%q", tt.in)
	}
}

func TestCheckFilter(t *testing.T) {
	f := newTextField(TypeSubscribe, "topic name")
	for _, tt := range []struct {
		in    string
		class DropClass
	}{
		{"a/b", NoDrop},
		{"#", NoDrop},
		{"+", NoDrop},
		{"/#", NoDrop},
		{"+/+", NoDrop},
		{"a/+/b/#", NoDrop},
		{"$share/g/#", NoDrop},
		{"", EmptyTopic},
		{"a#", BadFilter},
		{"#/a", BadFilter},
		{"##", BadFilter},
		{"a/#b", BadFilter},
		{"a+", BadFilter},
		{"+a", BadFilter},
		{"++", BadFilter},
		{"a/+b/c", BadFilter},
		{"a/\x00", NULInString},
		{"a/\xff", BadUTF8},
	} {
		require.Equal(t, tt.class, ClassOf(f.checkFilter([]byte(tt.in))), "%q", tt.in)
	}
}
