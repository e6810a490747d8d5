package views

import (
	"strings"

	"agentry/static"
)

// Docs is /docs: the runtime protocol and the example programs.
type Docs struct {
	Shell    Shell
	Examples []static.Example
}

// docRow is one word of the protocol.
type docRow struct{ name, fields, text string }

func docCalls() []docRow {
	return []docRow{
		{"GET self", "", "The agent, its settings with the start's over them, enableAutonomy, limits, workingHours, mayWork with why and askAgainAt. The first call of a run is its hello."},
		{"GET credentials", "", "What the agent was set up with, such as login and password, and what it has outside: proxyUrl is its proxy, an http or socks5 URL with user name and password in it, browserProfileId the vendor's id of its browser profile. What the agent does not have is left out. Ask at every start: another run may have another proxy. Every read is in the audit."},
		{"GET inbox", "?wait=25&known=id,id", "Commands that were not acknowledged, at most 50 and about 1 MiB. It waits up to wait seconds (0 to 55) for one. A program that is at work on commands names them in known, at most 64, and hears of others alone."},
		{"POST tasks/claim", `{"max":5}`, "Tasks that may be done now, up to 50. An empty list says why and, where that is known, askAgainAt."},
		{"POST events", `{"events":[…]}`, "What the program did, at most 500 events, each with an id of 1 to 64 characters and a type. What is answered with 200 is stored; each event has its own result."},
	}
}

func docCommands() []docRow {
	return []docRow{
		{"message", "messageId, text, from, conversation, history", "Answer with a reply. history is there when the conversation began before: what was said in it, oldest first, at most 20 objects with messageId, from, text and reply."},
		{"verify_code", "code", "The code that a challenge asked for."},
		{"settings_changed", "", "Ask self again."},
		{"stop", "", "End soon; SIGTERM says the same."},
	}
}

func docEvents() []docRow {
	return []docRow{
		{"reply", "messageId, text", "At most 32 KiB."},
		{"ack", "commandId", "The command does not come again."},
		{"task_done", "taskId", "A claimed task is done."},
		{"task_failed", "taskId, message, retry", "With retry true it is due again a minute later."},
		{"usage", "kind, count", "Adds to today's counter: messages, invitations, tokens, errors or a name of your own."},
		{"alert", "alertType, subType, severity, message", "severity is info, warning or error. One of the same types that is not resolved is counted again."},
		{"alert_cleared", "alertType, subType", "Without subType all of the type."},
		{"log", "level, text", "level is debug, info, warn or error. What the program writes to its output is logged too."},
		{"heartbeat", "", "Only to be heard; every call counts."},
		{"signed_in", "", "For kinds with setup: the agent runs."},
		{"challenge", "subType, message", "For kinds with setup: a person has to give a code."},
		{"rejected", "message", "For kinds with setup: login or password are wrong."},
	}
}

// exampleKind is what the host's file says to run an example.
func exampleKind(e static.Example) string {
	return "[kinds.mybot]\ndriver  = \"process\"\ncommand = [\"" + strings.Join(e.Command, `", "`) + "\"]\n"
}
