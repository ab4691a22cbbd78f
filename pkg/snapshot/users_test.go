package snapshot

import (
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/filter"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// asking is a host whose path asks for the users of a list, and one that does not.
func asking(contents ...string) *model.Config {
	var hosts []model.Host
	names := []string{"default/a", "default/b"}
	for i, host := range []string{"a.example", "b.example", "c.example"} {
		r := path(model.Prefix, "/", "cart")
		if i < len(contents) {
			f := model.Filters{BasicAuth: model.BasicAuth{Users: names[i]}}
			r.Options.Filters = f.Set()
		}
		hosts = append(hosts, model.Host{Name: host, Routes: []model.Route{r}})
	}
	c := config(hosts...)
	for i, content := range contents {
		c.Users = append(c.Users, model.UserList{Name: names[i], Content: []byte(content)})
	}
	return c
}

// A changed list compiles the hosts anew that use it, and no others.
func TestChangedUsers(t *testing.T) {
	st, shared := newState(), new(filter.Shared)
	compile := func(c *model.Config, prev *Snapshot) *Snapshot {
		t.Helper()
		s, err := Compile(c, prev, st.reg, st.m, shared)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	routes := func(s *Snapshot) (list [3]*Route) {
		for i, host := range []string{"a.example", "b.example", "c.example"} {
			list[i] = s.Route([]byte(host), []byte("/"))
		}
		return list
	}
	first := compile(asking("a:{PLAIN}1", "b:{PLAIN}1"), nil)
	same := compile(asking("a:{PLAIN}1", "b:{PLAIN}1"), first)
	if routes(first) != routes(same) || same.users["default/a"] != first.users["default/a"] {
		t.Error("the same lists were compiled anew")
	}
	changed := compile(asking("a:{PLAIN}2", "b:{PLAIN}1"), same)
	before, after := routes(same), routes(changed)
	if before[0] == after[0] || before[1] != after[1] || before[2] != after[2] {
		t.Error("a changed list compiles other hosts than its own anew, or not its own")
	}
	lacking := asking("a:{PLAIN}2", "b:{PLAIN}1")
	lacking.Users = lacking.Users[:1]
	lacking.Hosts[1].Routes[0].Path = "/other"
	if _, err := Compile(lacking, changed, st.reg, st.m, shared); err == nil {
		t.Error("a route without its users is served")
	}
}
