package api

// View is a saved view: a name for a filter and order of the fleet's list.
type View struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Query is what stands behind the ? of the list's address.
	Query  string `json:"query"`
	Shared bool   `json:"shared"`
	By     string `json:"by"`
	// URL is the page that shows it.
	URL       string `json:"url"`
	CreatedAt Time   `json:"createdAt"`
	UpdatedAt Time   `json:"updatedAt"`
}

// SaveView is the body that saves a view.
type SaveView struct {
	Name   string `json:"name"`
	Query  string `json:"query"`
	Shared bool   `json:"shared"`
}

// UpdateView is the body that changes a view; what is absent stays.
type UpdateView struct {
	Name   *string `json:"name"`
	Query  *string `json:"query"`
	Shared *bool   `json:"shared"`
}
