package annotation

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

var errCacheDuration = errors.New("want statuses and how long they hold, such as 200 202 5m, 401 30s")

// cacheUnits are nginx's units of time (https://nginx.org/en/docs/syntax.html).
var cacheUnits = map[string]time.Duration{
	"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour,
	"d": 24 * time.Hour, "w": 7 * 24 * time.Hour, "M": 30 * 24 * time.Hour, "y": 365 * 24 * time.Hour,
}

// longestCached bounds how long an answer holds: somebody who may no longer pass
// passes for as long.
const longestCached = 24 * time.Hour

// parseCacheDurations reads a list whose items are statuses, or any, and times that
// add up, as nginx's proxy_cache_valid does. Without statuses a time is that of 200. The
// result is sorted, such as "200=5m0s,401=30s".
func parseCacheDurations(text string, _ dialect) (string, error) {
	times := make(map[string]time.Duration)
	for item := range strings.SplitSeq(text, ",") {
		words := strings.Fields(item)
		if len(words) == 0 {
			continue
		}
		statuses, total, err := cacheItem(words)
		if err != nil {
			return "", err
		}
		for _, status := range statuses {
			times[status] = total
		}
	}
	var list []string
	for _, status := range slices.SortedFunc(maps.Keys(times), cmp.Compare[string]) {
		list = append(list, status+"="+times[status].String())
	}
	return strings.Join(list, ","), nil
}

// cacheItem reads one item.
func cacheItem(words []string) (statuses []string, total time.Duration, err error) {
	at := 0
	for at < len(words) && isCacheStatus(words[at]) {
		at++
	}
	if at == len(words) {
		return nil, 0, errCacheDuration
	}
	for _, word := range words[at:] {
		n := 0
		for n < len(word) && '0' <= word[n] && word[n] <= '9' {
			n++
		}
		count, err := strconv.Atoi(word[:n])
		unit := cacheUnits[word[n:]]
		if err != nil || unit == 0 {
			return nil, 0, errCacheDuration
		}
		if count > int(longestCached/unit) || total+time.Duration(count)*unit > longestCached {
			return nil, 0, fmt.Errorf("want %v at most", longestCached)
		}
		total += time.Duration(count) * unit
	}
	if at == 0 {
		return []string{"200"}, total, nil
	}
	return words[:at], total, nil
}

func isCacheStatus(word string) bool {
	return word == "any" || len(word) == 3 && isDigits(word) && word[0] >= '1' && word[0] <= '5'
}
