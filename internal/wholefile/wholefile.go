// Package wholefile writes files of tests as kubectl and editors do: who watches the
// directory sees the old text or the new one, and nothing in between.
package wholefile

import (
	"os"
	"path/filepath"
	"testing"
)

// Write puts a file in place in one step.
func Write(t testing.TB, path, text string) {
	t.Helper()
	temporary := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".tmp") // which manifests mode passes over
	if err := os.WriteFile(temporary, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temporary, path); err != nil {
		t.Fatal(err)
	}
}
