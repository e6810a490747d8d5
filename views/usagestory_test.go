package views

import (
	"time"

	"agentry/views/ui"
)

func sampleLogs(id string) *Logs {
	return &Logs{AgentID: id, Levels: []ui.Tab{{Href: "?tab=logs", Label: "All", Current: true}, {Href: "?tab=logs&level=warn", Label: "Warnings and errors"}},
		OlderHref: "?tab=logs&before=7", NewestHref: "?tab=logs", TailHref: "/fleet/x/logs", DownloadHref: "/fleet/x/logs.txt",
		Lines: []LogLine{
			{ID: 7, At: ago(70 * time.Second), Level: "error", Text: "connection refused: dial tcp 203.0.113.9:443 while reading the inbox of a-very-long-host-name.northwind.example", Epoch: 6, Begins: true},
			{ID: 8, At: ago(2 * time.Second), Level: "warn", Text: "slow answer: 2.4 s", Epoch: 7, Begins: true},
			{ID: 9, At: ago(time.Second), Level: "info", Text: "claimed 1 task", Epoch: 7},
			{ID: 10, At: ago(time.Second), Level: "debug", Text: "no tasks", Epoch: 7},
		}}
}

func sampleUsage(id string) *Usage {
	days := make([]string, 30)
	lines := []PlotLine{{Name: "messages", Values: make([]*int, 30)}, {Name: "=خطأ", Values: make([]*int, 30)}}
	for i := range days {
		days[i] = testNow.AddDate(0, 0, i-29).Format(time.DateOnly)
		if i > 3 {
			n, m := i*7%26, i%3
			lines[0].Values[i], lines[1].Values[i] = &n, &m
		}
	}
	return &Usage{AgentID: id, Spans: []ui.Tab{{Href: "?tab=usage", Label: "30 days", Current: true}, {Href: "?days=90&tab=usage", Label: "90 days"}},
		Incarnations: []ui.Tab{{Href: "?tab=usage", Label: "All incarnations", Current: true}, {Href: "?incarnation=2&tab=usage", Label: "Incarnation 2"}},
		Counters:     []Counter{{Kind: "messages", Href: "?counter=x", Total: 312, Line: 1}, {Kind: "tokens", Href: "?counter=tokens", Total: 120440}, {Kind: "=خطأ", Href: "?counter=y", Total: 26, Line: 2}},
		Hidden:       3, Plot: Plot{Days: days, Lines: lines, Marks: []PlotMark{{At: 12, Label: "Incarnation 2"}}}, Marked: true,
		Rows:    []UsageRow{{Day: days[29], Incarnation: 2, Counts: []int{21, 2}}, {Day: days[28], Incarnation: 2, Counts: []int{14, 0}}},
		CSVHref: "/fleet/" + id + "/usage.csv"}
}
