package config

// nearest returns the known name with the fewest edits from name, the first of
// equals; known must not be empty.
func nearest(name string, known []string) string {
	best := known[0]
	for _, k := range known[1:] {
		if edits(name, k) < edits(name, best) {
			best = k
		}
	}
	return best
}

// edits is the Levenshtein distance in bytes.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
