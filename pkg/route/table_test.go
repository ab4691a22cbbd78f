package route

import "testing"

// table makes a Table whose hosts have "prefix /a" each; a host's name and the
// rule are the value.
func table(t testing.TB, names ...string) *Table[string] {
	t.Helper()
	var hosts []Host[string]
	for _, name := range names {
		p, err := NewPaths([]Rule[string]{{Prefix, "/a", name + "/a"}})
		if err != nil {
			t.Fatal(err)
		}
		hosts = append(hosts, Host[string]{name, p})
	}
	tab, err := New(hosts)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func TestTable(t *testing.T) {
	all := []string{"foo.com", "bar.foo.com", "*.foo.com", "*.bar.foo.com", "[::1]", ""}
	for _, c := range []struct {
		hosts            []string
		host, path, want string
	}{
		{all, "foo.com", "/a", "foo.com/a"},
		{all, "bar.foo.com", "/a", "bar.foo.com/a"},
		{all, "baz.foo.com", "/a", "*.foo.com/a"},
		{all, "x.bar.foo.com", "/a", "*.bar.foo.com/a"},
		{all, "x.baz.foo.com", "/a", "/a"},
		{all, "[::1]", "/a", "[::1]/a"},
		{all, "other.com", "/a", "/a"},
		{all, "", "/a", "/a"},
		{all, ".foo.com", "/a", "/a"},
		{all, "*.foo.com", "/a", "*.foo.com/a"}, // a label like any other
		{all[:5], "other.com", "/a", ""},
		{all[:5], ".foo.com", "/a", ""},
		{all[:5], "com", "/a", ""},
		// The choice of the host is final.
		{all, "bar.foo.com", "/b", ""},
		{all, "baz.foo.com", "/b", ""},
		{nil, "foo.com", "/a", ""},
	} {
		got, _, ok, _ := table(t, c.hosts...).Find([]byte(c.host), []byte(c.path), new(Scratch))
		if got != c.want || ok != (c.want != "") {
			t.Errorf("hosts %q: %s%s goes to %q, %v; want %q", c.hosts, c.host, c.path, got, ok, c.want)
		}
	}
}

func TestTableRefuses(t *testing.T) {
	for _, c := range []struct {
		names []string
		err   string
	}{
		{[]string{"a.com", "a.com"}, `host "a.com" occurs twice`},
		{[]string{"*.a.com", "*.a.com"}, `host "*.a.com" occurs twice`},
		{[]string{"", ""}, `host "" occurs twice`},
		{[]string{"*"}, `host "*": an asterisk stands for one whole label`},
		{[]string{"*."}, `host "*.": an asterisk stands for one whole label`},
		{[]string{"*a.com"}, `host "*a.com": an asterisk stands for one whole label`},
		{[]string{"a.*.com"}, `host "a.*.com": an asterisk can only be the first label`},
		{[]string{"*.*.com"}, `host "*.*.com": an asterisk can only be the first label`},
	} {
		var hosts []Host[string]
		for _, name := range c.names {
			hosts = append(hosts, Host[string]{name, &Paths[string]{}})
		}
		_, err := New(hosts)
		if err == nil || err.Error() != c.err {
			t.Errorf("%q: error %v, want %s", c.names, err, c.err)
		}
	}
}
