package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what check prints of the charts into their files")

// TestCheckOfCharts checks manifests as popular charts render them. What a chart
// needs and Shockwave does not do stands in these files, for everybody to see. With
// -update they are written anew, and the diff is what to review.
func TestCheckOfCharts(t *testing.T) {
	charts, err := filepath.Glob("testdata/charts/*.yaml")
	if err != nil || len(charts) == 0 {
		t.Fatalf("no charts: %v", err)
	}
	for _, chart := range charts {
		name := strings.TrimSuffix(filepath.Base(chart), ".yaml")
		t.Run(name, func(t *testing.T) {
			out, err := shockwave(t, "", "check", "-f", chart)
			if err != nil {
				out += "shockwave: " + err.Error() + "\n"
			}
			golden(t, "testdata/charts/"+name+".txt", out)
		})
	}
	for _, form := range []string{"markdown", "json"} {
		t.Run(form, func(t *testing.T) {
			out, _ := shockwave(t, "", "check", "-f", "testdata/charts", "-o", form)
			golden(t, "testdata/charts/all."+map[string]string{"markdown": "md", "json": "json.txt"}[form], out)
		})
	}
}

// golden compares a text with that of a file.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what is printed now (review with go test -run %s -update):\n%s", file, "TestCheckOfCharts", got)
	}
}
