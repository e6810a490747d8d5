package views

import "agentry/internal/fleet"

// The lifecycle is drawn in a box of 360 by 172 units, so that its words keep
// their size on a phone. Nodes stand on a grid of three columns.
const (
	nodeWidth  = 102
	nodeHeight = 28
)

type lifeNode struct {
	status string
	x, y   int
	// off: agents of this kind never come here.
	off bool
}

func (n lifeNode) word() string { return fleet.Status(n.status).Word() }

type lifeEdge struct {
	from, to string
	path     string
	// word stands at wx, wy; "" is none.
	word   string
	wx, wy int
	// dashed: from anywhere.
	dashed bool
	off    bool
}

func lifeNodes(needsSetup bool) []lifeNode {
	return []lifeNode{
		{"setup_needed", 2, 18, false},
		{"auth_in_progress", 129, 18, !needsSetup},
		{"running", 256, 18, false},
		{"auth_needed", 129, 76, !needsSetup},
		{"paused", 256, 76, false},
		{"ended", 2, 142, false},
		{"disabled", 256, 142, false},
	}
}

func lifeEdges(needsSetup bool) []lifeEdge {
	edges := []lifeEdge{
		{from: "setup_needed", to: "auth_in_progress", path: "M105 32H127", off: !needsSetup},
		{from: "auth_in_progress", to: "running", path: "M232 32H254", off: !needsSetup},
		{from: "auth_in_progress", to: "auth_needed", path: "M172 47V74", off: !needsSetup},
		{from: "auth_needed", to: "auth_in_progress", path: "M188 75V48", off: !needsSetup},
		{from: "running", to: "paused", path: "M299 47V74"},
		{from: "paused", to: "running", path: "M315 75V48"},
		{from: "ended", to: "setup_needed", path: "M53 141V48", word: "relaunch", wx: 59, wy: 96},
		{from: "disabled", to: "paused", path: "M315 141V106", word: "enable", wx: 321, wy: 132},
		{from: "", to: "ended", path: "M178 156H106", dashed: true, word: "end", wx: 118, wy: 151},
		{from: "", to: "disabled", path: "M182 156H254", dashed: true, word: "disable", wx: 206, wy: 151},
	}
	if !needsSetup {
		edges = append(edges, lifeEdge{from: "setup_needed", to: "running", path: "M53 17C53 2 90 4 180 4S307 2 307 16"})
	}
	return edges
}

// lit tells whether the edge can be walked from the current status.
func (e lifeEdge) lit(current string) bool {
	switch {
	case e.off:
		return false
	case e.from != "":
		return e.from == current
	case e.to == "disabled":
		return current != "ended" && current != "disabled"
	}
	return current != e.to
}
