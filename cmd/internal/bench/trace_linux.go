package bench

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// A tracer is strace at work.
type tracer struct {
	cmd   *exec.Cmd
	table *os.File
	lines chan string // what it says
}

// trace attaches strace to the processes and waits until it is there.
func trace(pids []int) (*tracer, error) {
	program, err := exec.LookPath("strace")
	if err != nil {
		return nil, errors.New("strace is not installed")
	}
	table, err := os.CreateTemp("", "dormouse-bench")
	if err != nil {
		return nil, err
	}
	args := []string{"-c", "-f", "-o", table.Name()}
	for _, pid := range pids {
		args = append(args, "-p", fmt.Sprint(pid))
	}
	t := &tracer{cmd: exec.Command(program, args...), table: table, lines: make(chan string, 100)}
	// Of a group of its own, a signal from the terminal does not reach it.
	t.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT}
	if err := t.start(len(pids)); err != nil {
		t.remove()
		return nil, err
	}
	return t, nil
}

// attaching is how long strace may take to attach to all threads.
const attaching = 10 * time.Second

func (t *tracer) start(processes int) error {
	said, err := t.cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := t.cmd.Start(); err != nil {
		return err
	}
	go func() {
		defer close(t.lines)
		for s := bufio.NewScanner(said); s.Scan(); {
			select {
			case t.lines <- s.Text():
			default: // nobody reads any more
			}
		}
	}()
	limit := time.After(attaching)
	for attached := 0; attached < processes; {
		select {
		case line, ok := <-t.lines:
			switch {
			case !ok:
				return fmt.Errorf("strace: %w", t.cmd.Wait())
			case strings.Contains(line, "attached"):
				attached++
			case strings.Contains(line, "attach:") || strings.Contains(line, "ptrace"):
				t.cmd.Process.Kill()
				t.cmd.Wait()
				return errors.New(line)
			}
		case <-limit:
			t.cmd.Process.Kill()
			t.cmd.Wait()
			return errors.New("strace does not attach")
		}
	}
	return nil
}

// end detaches and reads what was counted.
func (t *tracer) end() (map[string]uint64, error) {
	defer t.remove()
	t.cmd.Process.Signal(syscall.SIGINT)
	for range t.lines { // until it has ended
	}
	t.cmd.Wait() // by the signal
	return readCounts(t.table)
}

func (t *tracer) remove() {
	t.table.Close()
	os.Remove(t.table.Name())
}
