package filter

import (
	"regexp"
	"sync"
	"weak"

	"github.com/shockwave-ingress/shockwave/pkg/authrequest"
	"github.com/shockwave-ingress/shockwave/pkg/credential"
	"github.com/shockwave-ingress/shockwave/pkg/limit"
	"github.com/shockwave-ingress/shockwave/pkg/pattern"
)

// Shared is what the filters of all routes have in common and what outlives
// snapshots. Its zero value is ready.
type Shared struct {
	// Auth asks services about access.
	Auth authrequest.Client

	limits   lazy[limit.Table]
	verifier lazy[credential.Verifier]
	networks memo[networks]
	patterns memo[patterns]
	searches memo[regexp.Regexp]
	lines    memo[fieldLines]
	asked    memo[authFields]
}

// Expression compiles what values are searched for, as pattern.Search does. Routes with
// the same one share it: an Ingress has as many as its author likes.
func (s *Shared) Expression(text string) (*regexp.Regexp, error) {
	return s.searches.get(text, pattern.Search)
}

// lazy is a value that is made when it is first wanted.
type lazy[T any] struct {
	once sync.Once
	made *T
}

func (l *lazy[T]) get(fresh func() *T) *T {
	l.once.Do(func() { l.made = fresh() })
	return l.made
}

// memo has what was made of texts for as long as somebody uses it, so that thousands
// of routes with the same list have it once.
type memo[T any] struct {
	mu   sync.Mutex
	made map[string]weak.Pointer[T]
	// full is how many there may be before those are dropped that nobody uses.
	full int
}

// get returns what parse makes of text.
func (m *memo[T]) get(text string, parse func(string) (*T, error)) (*T, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if known := m.made[text].Value(); known != nil {
		return known, nil
	}
	fresh, err := parse(text)
	if err != nil {
		return nil, err
	}
	if m.made == nil {
		m.made = map[string]weak.Pointer[T]{}
	}
	if len(m.made) >= m.full {
		for text, p := range m.made {
			if p.Value() == nil {
				delete(m.made, text)
			}
		}
		m.full = 2*len(m.made) + 16
	}
	m.made[text] = weak.Make(fresh)
	return fresh, nil
}
