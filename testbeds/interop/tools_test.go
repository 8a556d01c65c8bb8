//go:build linux

package interop

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// tool runs a subcommand and returns its exit code and all that it printed.
func tool(t *testing.T, stdin string, args ...string) (int, string) {
	cmd := exec.Command(program, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil {
		require.True(t, errors.As(err, &exit), "%v", err)
		return exit.ExitCode(), string(out)
	}
	return 0, string(out)
}

func TestPubReachesMosquittoSub(t *testing.T) {
	s := serve(t, anyMQTT, anySN)
	sub := s.subscribe(t, "-V", "5", "-t", "#", "-v", "-q", "1")
	mqtt, sn := "mqtt://"+s.urls["mqtt"], "mqttsn://"+s.urls["mqttsn"]
	for _, tt := range []struct {
		args  []string
		stdin string
		want  []string
	}{
		{[]string{mqtt, "-t", "a", "-m", "1"}, "", []string{"a 1"}},
		{[]string{mqtt, "-V", "5", "-t", "a", "-m", "2", "-q", "1"}, "", []string{"a 2"}},
		{[]string{"-h", "127.0.0.1", "-p", s.port("mqtt"), "-t", "a", "-l", "-q", "1"}, "x\ny\n", []string{"a x", "a y"}},
		{[]string{mqtt, "-t", "a", "-s"}, "whole", []string{"a whole"}},
		{[]string{sn, "-t", "topic", "-m", "0"}, "", []string{"topic 0"}},
		{[]string{sn, "-t", "topic", "-q", "1", "-l"}, "p\nq\n", []string{"topic p", "topic q"}},
		{[]string{"-V", "mqttsn", "-p", s.port("mqttsn"), "-h", "127.0.0.1", "-t", "ab", "-q", "-1", "-m", "m"}, "", []string{"ab m"}},
	} {
		t.Run(strings.Join(tt.args[1:], " "), func(t *testing.T) {
			code, out := tool(t, tt.stdin, append([]string{"pub"}, tt.args...)...)
			require.Equal(t, 0, code, out)
			require.Empty(t, out)
			for _, want := range tt.want {
				require.Equal(t, want, sub.next(t))
			}
		})
	}
}

func TestSubHearsMosquittoPub(t *testing.T) {
	s := serve(t, anyMQTT, anySN)
	s.publish(t, nil, "-t", "state", "-r", "-q", "1", "-m", "kept")
	for _, url := range []string{"mqtt://" + s.urls["mqtt"], "mqttsn://" + s.urls["mqttsn"]} {
		code, out := tool(t, "", "sub", url, "-t", "st/#", "-t", "state/#", "-q", "1", "-v", "-C", "1", "-W", "10")
		require.Equal(t, 0, code, out)
		require.Equal(t, "state kept\n", out)
		code, out = tool(t, "", "sub", url, "-t", "nothing", "-W", "1")
		require.Equal(t, 27, code, out)
	}
	binary := []byte{0, 0xFF, '\n', 7}
	s.publishOctets(t, binary, "-t", "bin", "-r")
	out, err := exec.Command(program, "sub", "mqtt://"+s.urls["mqtt"], "-V", "5", "-t", "bin", "-C", "1", "-N").Output()
	require.NoError(t, err)
	require.True(t, bytes.Equal(binary, out))
}

func TestToolsSayWhatIsWrong(t *testing.T) {
	nobody := "127.0.0.1:" + freePort(t, "tcp")
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"pub", "mqtt://" + nobody, "-t", "a", "-m", "x"}, 1, "connection refused"},
		{[]string{"pub", "-m", "x"}, 2, "there is no topic"},
		{[]string{"pub", "-t", "a"}, 2, "give the message"},
		{[]string{"pub", "-t", "a", "-m", "x", "-n"}, 2, "give the message"},
		{[]string{"pub", "-t", "a", "-m", "x", "-q", "-1"}, 2, "use 0 to 2"},
		{[]string{"pub", "http://x", "-t", "a", "-m", "x"}, 2, "write mqtt://"},
		{[]string{"sub"}, 2, "there is no topic"},
		{[]string{"sub", "-t", "a", "-c"}, 2, "needs a client id"},
		{[]string{"sub", "-t", "a", "-V", "4"}, 2, "use 311, 5 or mqttsn"},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			code, out := tool(t, "", tt.args...)
			require.Equal(t, tt.code, code, out)
			require.Contains(t, out, tt.want)
			require.Equal(t, 1, strings.Count(out, "\n"), out)
		})
	}
}
