package pubsub

import (
	"math"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

func TestTarget(t *testing.T) {
	for _, tt := range []struct {
		name  string
		args  []string
		want  Target
		topic string
	}{
		{"nothing", nil, Target{Host: "localhost", Port: "1883", Version: "311"}, ""},
		{"short flags", []string{"-h", "h", "-p", "7", "-i", "me", "-u", "ann", "-P", "pw", "-V", "mqttv5"},
			Target{Host: "h", Port: "7", Version: "5", ClientID: "me", User: "ann", Password: "pw"}, ""},
		{"URL", []string{"mqtt://h:7"}, Target{Host: "h", Port: "7", Version: "311"}, ""},
		{"IPv6", []string{"mqtt://[::1]"}, Target{Host: "::1", Port: "1883", Version: "311"}, ""},
		{"URL with all", []string{"-L", "mqtt://ann:pw@h/a/b"}, Target{URL: "mqtt://ann:pw@h/a/b", Host: "h", Port: "1883", Version: "311", User: "ann", Password: "pw"}, "a/b"},
		{"MQTT-SN", []string{"mqttsn://h"}, Target{Host: "h", Port: "1884", Version: "mqttsn"}, ""},
		{"MQTT-SN by -V", []string{"-V", "mqttsn"}, Target{Host: "localhost", Port: "1884", Version: "mqttsn"}, ""},
		{"predefined", []string{"mqttsn://h", "--predefined", "7=a/b"},
			Target{Host: "h", Port: "1884", Version: "mqttsn", Predefined: map[uint16]string{7: "a/b"}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, topic, err := target(tt.args)
			require.NoError(t, err)
			require.Equal(t, tt.topic, topic)
			if tt.want.ClientID == "" {
				require.Regexp(t, `^dormouse-[0-9a-f]{8}$`, got.ClientID)
				got.ClientID = ""
			}
			if tt.want.URL == "" {
				got.URL = ""
			}
			got.predefined, tt.want.KeepAlive = nil, 60
			require.Equal(t, tt.want, got)
		})
	}
}

func target(args []string) (t Target, topic string, err error) {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	t.Register(f)
	if err := f.Parse(args); err != nil {
		return t, "", err
	}
	topic, err = t.Complete(f.Args())
	return t, topic, err
}

func TestTargetSaysWhatIsWrong(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"-V", "4"}, "use 311, 5 or mqttsn"},
		{[]string{"http://h"}, "write mqtt://"},
		{[]string{"mqtt://"}, "write mqtt://"},
		{[]string{"mqtt://h?x=1"}, "write mqtt://"},
		{[]string{"mqtt://h", "-V", "mqttsn"}, "the address is of MQTT"},
		{[]string{"mqtt://h", "-L", "mqtt://g"}, "leave -L out"},
		{[]string{"mqttsn://h", "-u", "ann"}, "leave -u and -P out"},
		{[]string{"-P", "pw"}, "give one with -u"},
		{[]string{"--predefined", "1=a"}, "leave it out"},
		{[]string{"mqttsn://h", "--predefined", "0=a"}, "write ID=TOPIC"},
		{[]string{"mqttsn://h", "--predefined", "a"}, "write ID=TOPIC"},
	} {
		_, _, err := target(tt.args)
		require.ErrorContains(t, err, tt.want, "%q", tt.args)
	}
}

// 5.0 keeps a session only for the time that it is told.
func TestKeptSessionExpires(t *testing.T) {
	for _, tt := range []struct {
		version    string
		keep       bool
		given, set uint32
	}{{"5", true, 0, math.MaxUint32}, {"5", true, 9, 9}, {"5", false, 0, 0}, {"311", true, 0, 0}} {
		target := Target{Version: tt.version, KeepSession: tt.keep, SessionExpiry: tt.given}
		_, err := target.Complete(nil)
		require.NoError(t, err)
		require.Equal(t, tt.set, target.SessionExpiry)
	}
}
