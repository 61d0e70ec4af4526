package diag

import "strings"

// Suggest returns the candidate that name was probably meant to be, or "" if
// none is near. Case and underscores don't count; a third of the letters may be
// wrong. Of equally near ones the first wins.
func Suggest(name string, candidates []string) string {
	key := fold(name)
	best, bestDistance := "", len(key)/3+1
	for _, c := range candidates {
		if c == name {
			continue
		}
		if d := distance(key, fold(c), bestDistance); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

func fold(s string) []rune {
	return []rune(strings.ToLower(strings.ReplaceAll(s, "_", "")))
}

// distance is the number of letters to insert, drop, replace or swap with their
// neighbour to turn a into b; limit or more if that is at least limit.
func distance(a, b []rune, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	// Three rows of the usual table: two back, one back, and this one.
	prev2 := make([]int, len(b)+1)
	prev := make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], prev2[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least >= limit {
			return limit
		}
		prev2, prev, row = prev, row, prev2
	}
	return prev[len(b)]
}
