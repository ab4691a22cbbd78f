package report

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTable(t *testing.T) {
	tab := Table{Head: []string{"a", "b"}}
	tab.Add("x", "1")
	if got, want := tab.Markdown(), "| a | b |\n| --- | ---: |\n| x | 1 |"; got != want {
		t.Errorf("got %q", got)
	}
	if got, want := tab.Text(), "  a  b\n  x  1\n"; got != want {
		t.Errorf("got %q", got)
	}
}

func TestAnd(t *testing.T) {
	for want, parts := range map[string][]string{"": nil, "a": {"a"}, "a and b": {"a", "b"}, "a, b and c": {"a", "b", "c"}} {
		if got := And(parts); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestCommandIsWithoutFiles(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"", "make bench-x"},
		{"-page docs/a.md -save=b.json", "make bench-x"},
		{"-page docs/a.md -rounds 3 -short", "make bench-x X_ARGS='-rounds 3 -short'"},
	} {
		if got := Command("bench-x", "X_ARGS", strings.Fields(c.args), "page", "save"); got != c.want {
			t.Errorf("%q: got %q, want %q", c.args, got, c.want)
		}
	}
}

func TestRender(t *testing.T) {
	got, err := Render(`{{date .}}, {{round 1.6}}, {{gb 25e8}}, {{kb 1500}}, {{chance 5}}`, time.Date(2026, 6, 9, 0, 0, 0, 0, time.UTC))
	if want := "9 June 2026, 2, 2.5, 1.5, 16"; got != want || err != nil {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	if _, err := Render("{{nothing}}", nil); err == nil {
		t.Error("an unknown function was accepted")
	}
}

func TestSavedIsRead(t *testing.T) {
	type round struct {
		CPU float64 `json:"cpu"`
	}
	path := filepath.Join(t.TempDir(), "results.json")
	if err := Save(path, []round{{1.5}, {2}}); err != nil {
		t.Fatal(err)
	}
	var got []round
	if err := Read(path, &got); err != nil || len(got) != 2 || got[1].CPU != 2 {
		t.Errorf("got %v, %v", got, err)
	}
	if err := Read(path, new(int)); err == nil {
		t.Error("a list was read as a number")
	}
}
