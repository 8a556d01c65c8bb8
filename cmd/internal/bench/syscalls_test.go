package bench

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadCounts(t *testing.T) {
	calls, err := readCounts(strings.NewReader(`% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 52.10    0.123456           3     10000           write
 40.00    0.100000           4      9000      8123 read
  0.00    0.000000           0         1           epoll_pwait
------ ----------- ----------- --------- --------- ----------------
100.00    0.223456           3     19001      8123 total
`))
	require.NoError(t, err)
	require.Equal(t, map[string]uint64{"write": 10000, "read": 9000, "epoll_pwait": 1}, calls)
	calls, err = readCounts(strings.NewReader(""))
	require.NoError(t, err)
	require.Empty(t, calls)
}
