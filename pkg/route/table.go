package route

import (
	"bytes"
	"fmt"
	"strings"
)

// Table maps a host and a path to a value. It is immutable.
type Table[V any] struct {
	exact    map[string]*Paths[V]
	wildcard map[string]*Paths[V] // by what follows the label: ".example.com"
	any      *Paths[V]
}

// Host is one name with its paths. Paths may be shared with another Table.
type Host[V any] struct {
	// Name is a lower-case host name without port, "*.example.com" for exactly
	// one more label, or "" for every host not named otherwise.
	Name  string
	Paths *Paths[V]
}

// New makes a Table. It fails when a name occurs twice, or has an asterisk
// elsewhere than as its first label.
func New[V any](hosts []Host[V]) (*Table[V], error) {
	t := &Table[V]{
		exact:    make(map[string]*Paths[V], len(hosts)),
		wildcard: map[string]*Paths[V]{},
	}
	for _, h := range hosts {
		known, err := t.add(h)
		if err != nil {
			return nil, err
		}
		if known {
			return nil, fmt.Errorf("host %q occurs twice", h.Name)
		}
	}
	return t, nil
}

// add tells whether the name was known already.
func (t *Table[V]) add(h Host[V]) (known bool, err error) {
	if h.Name == "" {
		known = t.any != nil
		t.any = h.Paths
		return known, nil
	}
	names, name := t.exact, h.Name
	if suffix, ok := strings.CutPrefix(name, "*"); ok {
		names, name = t.wildcard, suffix
		if len(suffix) < 2 || suffix[0] != '.' {
			return false, fmt.Errorf("host %q: an asterisk stands for one whole label", h.Name)
		}
	}
	if strings.Contains(name, "*") {
		return false, fmt.Errorf("host %q: an asterisk can only be the first label", h.Name)
	}
	_, known = names[name]
	names[name] = h.Paths
	return known, nil
}

// Find returns the value for a host, given in lower case and without port, and a path, as
// Paths.Find does. ok is false when nothing serves them. It does not keep its arguments.
func (t *Table[V]) Find(host, path []byte, s *Scratch) (value V, forward []byte, ok bool, err error) {
	if paths := t.Host(host); paths != nil {
		return paths.Find(path, s)
	}
	return value, path, false, nil
}

// FindPlain is Find for a path without the parameters of its segments. ok is also false
// for a path that has none.
func (t *Table[V]) FindPlain(host, path []byte, s *Scratch) (value V, ok bool, err error) {
	if bytes.IndexByte(path, ';') < 0 && bytes.IndexByte(path, '%') < 0 {
		return value, false, nil // as most are
	}
	plain, had := AppendPlain(s.plain[:0], path)
	if s.plain = plain; !had {
		return value, false, nil
	}
	value, _, ok, err = t.Find(host, plain, s)
	return value, ok, err
}

// Host returns the paths that serve a host, given in lower case and without
// port, or nil. A wildcard stands for exactly one label, which is not empty.
func (t *Table[V]) Host(host []byte) *Paths[V] {
	if paths, ok := t.exact[string(host)]; ok {
		return paths
	}
	if len(t.wildcard) > 0 {
		if dot := bytes.IndexByte(host, '.'); dot > 0 {
			if paths, ok := t.wildcard[string(host[dot:])]; ok {
				return paths
			}
		}
	}
	return t.any
}
