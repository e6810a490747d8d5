// Command score runs the promises against the built program from outside and
// says how each came out:
//
//	go run ./cmd/score            every row, then "N passed, N failed"
//	go run ./cmd/score R2         one row
//	go run ./cmd/score -control R2   its control: a build with a fault seeded
//
// A control must turn its row red; a row whose control stays green proves
// nothing. A row is one line of JSON. It needs Go and, for R2 and R13, Linux.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	if name := os.Getenv(programName); name != "" {
		os.Exit(program(name))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := score(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// score returns the exit code: 0 when all is as it must be, 1 when not, 2 for
// a wrong command line.
func score(ctx context.Context, args []string, out, log io.Writer) int {
	fs := flag.NewFlagSet("score", flag.ContinueOnError)
	fs.SetOutput(log)
	control := fs.Bool("control", false, "run the controls: each must turn its row red")
	long := fs.Bool("long", false, "more rounds")
	seed := fs.Uint64("seed", uint64(time.Now().UnixNano()), "what rows draw from")
	quiet := fs.Bool("q", false, "say nothing but the results")
	if err := fs.Parse(args); err != nil {
		return 2
	}
	list, err := rowsNamed(fs.Args())
	if err != nil {
		fmt.Fprintln(log, err)
		return 2
	}
	if *quiet {
		log = io.Discard
	}
	dir, err := os.MkdirTemp("", "agentry-score-")
	if err != nil {
		fmt.Fprintln(log, err)
		return 1
	}
	defer os.RemoveAll(dir)
	b := &builds{dir: dir}
	size := normal
	if *long {
		size = large
	}
	passed := 0
	for _, r := range list {
		res := r.try(ctx, b, *control, size, *seed, log)
		print(out, res)
		if res.Pass != *control && res.Error == "" {
			passed++
		}
	}
	if len(list) > 1 {
		fmt.Fprintf(out, "%d passed, %d failed\n", passed, len(list)-passed)
	}
	if passed < len(list) {
		return 1
	}
	return 0
}

// result is what a row prints.
type result struct {
	Row     string  `json:"row"`
	Value   string  `json:"value"`
	Target  string  `json:"target"`
	Pass    bool    `json:"pass"`
	Seed    uint64  `json:"seed"`
	Seconds float64 `json:"seconds"`
	// Control is the seeded fault, "" for the program as it is.
	Control string `json:"control,omitempty"`
	// Error is why there is no verdict: the row could not be run.
	Error string `json:"error,omitempty"`
}

func print(out io.Writer, r result) {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		fmt.Fprintln(out, err)
	}
}

// try runs the row, or its control, once.
func (r row) try(ctx context.Context, b *builds, control bool, s size, seed uint64, log io.Writer) (res result) {
	began := time.Now()
	res = result{Row: r.name, Target: r.target, Seed: seed}
	if control {
		res.Control, s = r.fault, r.control
	}
	defer func() { res.Seconds = float64(time.Since(began).Milliseconds()) / 1000 }()
	t := &trial{size: s, rand: rand.New(rand.NewPCG(seed, 1)), log: log}
	var err error
	if t.binary, err = b.binary(ctx, control || r.faultsBuild); err == nil {
		t.dir, err = os.MkdirTemp(b.dir, r.name+"-")
	}
	if err != nil {
		res.Error = err.Error()
		return res
	}
	t.env = []string{"FAULTS=" + res.Control}
	ctx, cancel := context.WithTimeout(ctx, r.bound(s))
	defer cancel()
	v, err := r.run(ctx, t)
	t.close()
	if err != nil {
		res.Error = err.Error()
	}
	res.Value, res.Pass = v.text(), err == nil && v.pass()
	return res
}
