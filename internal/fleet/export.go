package fleet

// Export is a zip of all that an agent has.
type Export struct {
	// Name is that of the file.
	Name string
	// SHA256 of the file in hexadecimal digits, and its Size in bytes.
	SHA256 string
	Size   int64
	// Taken: somebody of the team has downloaded exactly this.
	Taken bool
}

// ExportName names the file of an agent's export; it says nothing of the agent.
func ExportName(id AgentID) string { return "agent-" + string(id) + ".zip" }
