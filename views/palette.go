package views

// Place is a page that people go to by name or by keys.
type Place struct {
	Label, Href string
	// Key goes there behind g; "" is none.
	Key string
	// Words are others that people may call it.
	Words string
	// Host: for who stands for the whole server.
	Host bool
	// Create: for who may create agents.
	Create bool
}

// Places are the pages in the order in which people see them: the keys, the
// help and the palette are made of them.
func Places() []Place {
	return []Place{
		{Label: "Fleet", Href: "/fleet", Key: "f", Words: "agents"},
		{Label: "Saved views", Href: "/fleet/views"},
		{Label: "New agent", Href: "/fleet/new", Words: "create add", Create: true},
		{Label: "Bulk actions", Href: "/bulk", Key: "b", Words: "mass many"},
		{Label: "Alerts", Href: "/alerts", Key: "a"},
		{Label: "Resources", Href: "/resources", Key: "r", Words: "ledger vendors"},
		{Label: "Proxies", Href: "/resources/proxies", Words: "pool"},
		{Label: "Audit", Href: "/audit", Key: "u", Words: "history who refused"},
		{Label: "Deletions", Href: "/deletions", Words: "certificates deleted"},
		{Label: "Settings", Href: "/settings", Key: "s", Words: "team name pause"},
		{Label: "Members", Href: "/settings/members", Words: "people roles invitations invite"},
		{Label: "API keys", Href: "/settings/keys", Words: "tokens"},
		{Label: "My account", Href: "/settings/security", Words: "security password sessions"},
		{Label: "System", Href: "/system", Key: "y", Words: "server database queue version", Host: true},
		{Label: "API docs", Href: "/docs", Key: "d", Words: "help"},
		{Label: "Time zone", Href: "/zone", Words: "clock utc local"},
	}
}

// Palette is what the palette offers for what was typed.
type Palette struct {
	Groups []PaletteGroup
}

// PaletteGroup is a part of the offers with its title.
type PaletteGroup struct {
	Title string
	Hits  []Hit
}

// Hit is one offer: one of Href, Ask, Post and Do is set.
type Hit struct {
	Label, Hint string
	// Status and Observed are an agent's.
	Status, Observed string
	// Href is a page to go to, Ask a form that opens as a dialog, Post is sent at
	// once.
	Href, Ask, Post string
	// Do is what the script does itself: theme, help or logout.
	Do string
	// Keys do the same.
	Keys string
}
