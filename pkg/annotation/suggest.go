package annotation

// longestName bounds the work of a suggestion. No name that exists is longer,
// and Kubernetes allows 63 bytes.
const longestName = 63

// suggest returns the candidate that name is most likely a misspelling of, or
// "" when none is near. Of several equally near ones it is the first.
func suggest(name string, candidates []string) string {
	if len(name) > longestName {
		return ""
	}
	best, nearest := "", 1+len(name)/4 // so many edits at most
	for _, candidate := range candidates {
		if d := distance(name, candidate, nearest); d < nearest || d == nearest && best == "" {
			best, nearest = candidate, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two names, or limit+1 when it is more
// than limit. Both are at most longestName bytes.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit || len(b) > longestName {
		return limit + 1
	}
	var rows [2][longestName + 1]int
	previous, current := &rows[0], &rows[1]
	for j := range len(b) + 1 {
		previous[j] = j
	}
	for i := range len(a) {
		current[0] = i + 1
		least := current[0]
		for j := range len(b) {
			replace := previous[j]
			if a[i] != b[j] {
				replace++
			}
			current[j+1] = min(replace, previous[j+1]+1, current[j]+1)
			least = min(least, current[j+1])
		}
		if least > limit {
			return limit + 1
		}
		previous, current = current, previous
	}
	return previous[len(b)]
}
