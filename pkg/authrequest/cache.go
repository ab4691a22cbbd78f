package authrequest

import (
	"crypto/sha256"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Bounds of what is remembered, of each shard: 64 MiB together at the very most.
const (
	shards      = 16
	mostEntries = 1024
	mostBytes   = 2 << 20
	// entryBytes is what an entry takes besides its texts.
	entryBytes = 512
)

// digest stands for a key: keys hold what authenticates somebody, and are not kept.
type digest [sha256.Size]byte

func digestOf(key string) digest { return sha256.Sum256([]byte(key)) }

// cache remembers answers. Each shard has a lock of its own, and what is full forgets
// any entry: an answer that is forgotten costs a question.
type cache [shards]shard

type shard struct {
	mu      sync.Mutex
	entries map[digest]entry
	bytes   int
}

type entry struct {
	answer *Answer
	until  time.Time
	bytes  int
}

// get returns the answer that holds, nil for none.
func (c *cache) get(key digest, now time.Time) *Answer {
	s := &c[key[0]%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[key]
	switch {
	case !ok:
		return nil
	case !now.Before(e.until):
		s.forget(key, e)
		return nil
	}
	return e.answer
}

// put remembers an answer for some time.
func (c *cache) put(key digest, a *Answer, holds time.Duration, now time.Time) {
	if holds <= 0 {
		return
	}
	e := entry{answer: a, until: now.Add(holds), bytes: a.size() + entryBytes}
	s := &c[key[0]%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.entries[key]; ok {
		s.forget(key, old)
	}
	for k, old := range s.entries { // in no order
		if len(s.entries) < mostEntries && s.bytes+e.bytes <= mostBytes {
			break
		}
		s.forget(k, old)
	}
	if s.entries == nil {
		s.entries = make(map[digest]entry)
	}
	s.entries[key] = e
	s.bytes += e.bytes
}

func (s *shard) forget(key digest, e entry) {
	delete(s.entries, key)
	s.bytes -= e.bytes
}

// Durations say how long answers hold, by status; 0 stands for all others.
type Durations map[int]time.Duration

var errDurations = errors.New("want a list such as 200=5m0s,any=1s")

// ParseDurations reads a list such as "200=5m0s,any=1s".
func ParseDurations(text string) (Durations, error) {
	d := make(Durations)
	for item := range strings.SplitSeq(text, ",") {
		if item == "" {
			continue
		}
		name, value, ok := strings.Cut(item, "=")
		status, err := strconv.Atoi(name)
		if name == "any" {
			status, err = 0, nil
		}
		holds, err2 := time.ParseDuration(value)
		if !ok || err != nil || err2 != nil || holds < 0 {
			return nil, errDurations
		}
		d[status] = holds
	}
	return d, nil
}

// of returns how long an answer holds. As in nginx's cache, that is not at all where
// it has cookies, which are meant for one client, or says so, or depends on fields of
// the request; and no longer than it says (RFC 9111, section 5.2.2). An answer that
// decides nothing is not remembered either.
func (d Durations) of(a *Answer, head http.Header) time.Duration {
	holds, ok := d[a.Status]
	if !ok {
		holds = d[0]
	}
	if !a.Allows() && a.Status != http.StatusUnauthorized && a.Status != http.StatusForbidden {
		return 0
	}
	if len(a.Cookies) > 0 || varies(head) {
		return 0
	}
	for _, line := range head["Cache-Control"] {
		for directive := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
			switch name {
			case "no-store", "no-cache", "private":
				return 0
			case "max-age", "s-maxage":
				seconds, err := strconv.Atoi(strings.Trim(value, `"`))
				if err != nil || seconds < 0 {
					return 0
				}
				holds = min(holds, time.Duration(min(seconds, math.MaxInt32))*time.Second)
			}
		}
	}
	return holds
}

// varies tells whether an answer depends on fields of the request. How its body is
// encoded does not matter.
func varies(head http.Header) bool {
	for _, line := range head["Vary"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name != "" && !strings.EqualFold(name, "Accept-Encoding") {
				return true
			}
		}
	}
	return false
}
