package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

// programName is the variable that makes this binary one of the programs that
// rows let agents run; kinds set it.
const programName = "SCORE_PROGRAM"

// program is an agent's program; it returns its exit code.
func program(name string) int {
	switch name {
	case "claim":
		return claim()
	case "relay":
		return relay()
	case "eat":
		return eat()
	}
	fmt.Println("there is no program", name)
	return 2
}

// self is the command and environment of a kind that runs one of the programs.
func selfKind(name, program, more string) (string, error) {
	self, err := os.Executable()
	return fmt.Sprintf("[kinds.%s]\ndriver = \"process\"\ncommand = [%q]\nenv = { %s = %q }\n%s\n", name, self, programName, program, more), err
}

// runToken reads what the server hands over on descriptor 3.
func runToken() (string, error) {
	raw, err := io.ReadAll(os.NewFile(3, "token"))
	token, _, _ := strings.Cut(string(raw), "\n")
	return strings.TrimSpace(token), err
}

// relay leaves its token where the row finds it, so that the row can speak for
// the agent, and waits to be stopped.
func relay() int {
	token, err := runToken()
	if err == nil {
		err = os.WriteFile(filepath.Join(os.Getenv("SCORE_DIR"), os.Getenv("AGENTRY_AGENT_ID")), []byte(token), 0o600)
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return waitToldToStop()
}

func waitToldToStop() int {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	<-told
	return 0
}

// eat takes a GiB, and uses it, then waits to be stopped.
func eat() int {
	const part = 16 << 20
	var taken [][]byte
	for len(taken)*part < 1<<30 {
		some := make([]byte, part)
		for i := 0; i < len(some); i += 4096 {
			some[i] = 1
		}
		taken = append(taken, some)
	}
	fmt.Println("took all of", len(taken)*part>>20, "MiB")
	return waitToldToStop()
}
