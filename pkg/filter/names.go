package filter

import (
	"bytes"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// Names is a set of host names. It is immutable.
type Names struct {
	exact    map[string]struct{}
	wildcard map[string]struct{} // by what follows the label: ".example.com"
}

// NewNames makes a set of names in lower case, of which "*.example.com" stands for
// exactly one more label. It is nil when there are none.
func NewNames(names []string) *Names {
	if len(names) == 0 {
		return nil
	}
	n := &Names{make(map[string]struct{}, len(names)), map[string]struct{}{}}
	for _, name := range names {
		if suffix, ok := strings.CutPrefix(name, "*"); ok {
			n.wildcard[suffix] = struct{}{}
		} else {
			n.exact[name] = struct{}{}
		}
	}
	return n
}

// longestName is longer than any DNS name.
const longestName = 256

// Has tells whether the set has a name, in any case, or its wildcard. n may be nil.
func (n *Names) Has(name []byte) bool {
	if n == nil || len(name) > longestName {
		return false
	}
	var space [longestName]byte
	lower := space[:0]
	for _, c := range bytes.TrimSuffix(name, dot) {
		lower = append(lower, message.Lower(c))
	}
	if _, ok := n.exact[string(lower)]; ok {
		return true
	}
	if at := bytes.IndexByte(lower, '.'); at > 0 {
		_, ok := n.wildcard[string(lower[at:])]
		return ok
	}
	return false
}

var dot = []byte(".")
