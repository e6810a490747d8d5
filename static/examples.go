package static

import _ "embed" // for the texts below

//go:embed examples/agent/main.go
var exampleGo string

//go:embed examples/agent.py
var examplePython string

//go:embed examples/agent.mjs
var exampleJavaScript string

//go:embed examples/agent.sh
var exampleShell string

// Example is the source of an agent program, to be taken and changed.
type Example struct {
	// Name is its file's name.
	Name     string
	Language string
	// Needs says what it needs beside a POSIX system.
	Needs string
	// Build is the command that makes a program of it, "" where it runs as it is.
	Build string
	// Command is what a kind names to run it.
	Command []string
	Text    string
}

// Examples returns the example programs, one a language. They do the same.
func Examples() []Example {
	const dir = "/opt/agents/"
	return []Example{
		{"agent.go", "Go", "Go 1.22 or newer to build it", "go build -o " + dir + "agent agent.go", []string{dir + "agent"}, exampleGo},
		{"agent.py", "Python", "Python 3.8 or newer, its standard library only", "", []string{"python3", dir + "agent.py"}, examplePython},
		{"agent.mjs", "JavaScript", "Node 20 or newer, no packages", "", []string{"node", dir + "agent.mjs"}, exampleJavaScript},
		{"agent.sh", "Shell", "curl and awk", "", []string{"sh", dir + "agent.sh"}, exampleShell},
	}
}
