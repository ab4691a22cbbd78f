package snapshot

import (
	"bytes"
	"fmt"

	"github.com/shockwave-ingress/shockwave/pkg/credential"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// compileUsers makes s.users. Lists with the content that they have in prev, which may
// be nil, are taken over from it.
func (s *Snapshot) compileUsers(prev *Snapshot) {
	if len(s.Config.Users) == 0 {
		return
	}
	var old []model.UserList
	if prev != nil {
		old = prev.Config.Users
	}
	s.users = make(map[string]*credential.Users, len(s.Config.Users))
	for i := range s.Config.Users {
		list := &s.Config.Users[i]
		for len(old) > 0 && old[0].Name < list.Name {
			old = old[1:]
		}
		if len(old) > 0 && old[0].Name == list.Name && bytes.Equal(old[0].Content, list.Content) {
			s.users[list.Name] = prev.users[list.Name]
			continue
		}
		s.users[list.Name], _ = credential.Parse(list.Content) // what is wrong was told by translation
	}
}

// sameUsers tells whether no route of h has one of these lists of users. Without
// changes, which are rare, it looks at no route.
func sameUsers(h *model.Host, changed map[string]bool) bool {
	if len(changed) == 0 {
		return true
	}
	for i := range h.Routes {
		if changed[usersOf(&h.Routes[i])] {
			return false
		}
	}
	return h.Fallback == nil || !changed[usersOf(h.Fallback)]
}

// changedUsers returns the names of the lists that are not what they were in prev,
// which may be nil.
func (s *Snapshot) changedUsers(prev *Snapshot) map[string]bool {
	var changed map[string]bool
	for name, users := range s.users {
		if prev != nil && prev.users[name] != users {
			if changed == nil {
				changed = make(map[string]bool)
			}
			changed[name] = true
		}
	}
	return changed
}

// usersOf names the list of users of a route, empty for none.
func usersOf(r *model.Route) string { return r.Options.Filters.Filters().BasicAuth.Users }

// usersFor returns the users of a route, nil where nobody is asked.
func (s *Snapshot) usersFor(r *model.Route) (*credential.Users, error) {
	name := usersOf(r)
	if name == "" {
		return nil, nil
	}
	users := s.users[name]
	if users == nil {
		return nil, fmt.Errorf("there is no list of users %s", name)
	}
	return users, nil
}
