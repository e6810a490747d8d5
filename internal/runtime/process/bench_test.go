package process

import (
	"context"
	"log/slog"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"agentry/internal/fleet"
	agentruntime "agentry/internal/runtime"
)

// BenchmarkStart compares a start, to the first line of output, and the stop
// with a bare fork and exec of the same program.
func BenchmarkStart(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		for b.Loop() {
			cmd := exec.Command("/bin/cat", "/proc/self/comm")
			if out, err := cmd.Output(); err != nil || string(out) != "cat\n" {
				b.Fatal(string(out), err)
			}
		}
	})
	for name, c := range map[string]Config{"groups": {}, "no groups": {NoGroups: true}} {
		b.Run(name, func(b *testing.B) {
			d := benchDriver(b, c)
			dir := filepath.Join(b.TempDir(), "a")
			epoch := int64(0)
			for b.Loop() {
				epoch++
				hello := make(chan string, 1)
				p, err := d.Start(b.Context(), benchSpec(dir, epoch, func(line string) { hello <- line }))
				if err != nil {
					b.Fatal(err)
				}
				<-hello
				<-p.Done()
			}
		})
	}
}

func benchSpec(dir string, epoch int64, out func(string)) agentruntime.Spec {
	return agentruntime.Spec{
		Run:   fleet.Run{AgentID: "a", Epoch: epoch},
		Kind:  fleet.Kind{Command: []string{"/bin/cat", "/proc/self/comm"}, Limits: fleet.ProgramLimits{Pids: 64}},
		Token: "token", Dir: dir, Output: out,
	}
}

func benchDriver(b *testing.B, c Config) *Driver {
	b.Helper()
	c.Log = slog.New(slog.DiscardHandler)
	c.Instance = "bench-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	d, err := New(c)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { d.Close() })
	return d
}

// BenchmarkIdle says what a silent program costs the server, in bytes.
func BenchmarkIdle(b *testing.B) {
	const many = 200
	d := benchDriver(b, Config{})
	dir := b.TempDir()
	for b.Loop() {
		before := inUse()
		all := make([]agentruntime.Process, many)
		for i := range all {
			spec := benchSpec(filepath.Join(dir, strconv.Itoa(i)), 1, nil)
			spec.Run.AgentID, spec.Kind.Command = fleet.AgentID(strconv.Itoa(i)), []string{"/bin/sleep", "1000"}
			p, err := d.Start(b.Context(), spec)
			if err != nil {
				b.Fatal(err)
			}
			all[i] = p
		}
		b.ReportMetric(float64(inUse()-before)/many, "B/program")
		var stops sync.WaitGroup
		for _, p := range all {
			stops.Go(func() { _ = p.Stop(context.Background(), time.Second) })
		}
		stops.Wait()
	}
}

func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
