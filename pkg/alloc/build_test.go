package alloc

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The tag arenas without the experiment must not quietly build something else.
func TestTagArenasNeedsTheExperiment(t *testing.T) {
	cmd := exec.Command("go", "build", "-tags", "arenas", ".")
	cmd.Env = append(os.Environ(), "GOEXPERIMENT=")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatal("it builds")
	}
	text := string(out)
	if !strings.Contains(text, "run GOEXPERIMENT=arenas go build -tags arenas") || strings.Count(text, ".go:") != 1 {
		t.Errorf("it says\n%s", text)
	}
}

func TestBuilt(t *testing.T) {
	b := Built()
	if b.Default.String() != modeNames[defaultMode] || b.ArenaSource == "" || b.Debug != debugging {
		t.Errorf("%+v", b)
	}
}
