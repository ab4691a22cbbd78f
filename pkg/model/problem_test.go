package model

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestProblemString(t *testing.T) {
	p := Problem{Object: ObjectRef{Kind: "Ingress", Namespace: "default", Name: "a"}, Reason: ReasonInvalidPath, Message: "why"}
	if got, want := p.String(), "Ingress default/a  InvalidPath  why"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	p.Object.File, p.Object.Line = "shop.yaml", 7
	if got, want := p.String(), "shop.yaml:7: Ingress default/a  InvalidPath  why"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestExcerpt(t *testing.T) {
	if got := Excerpt("short"); got != "short" {
		t.Errorf("got %q", got)
	}
	if got := Excerpt("a" + strings.Repeat("é", 1000)); len(got) > 90 || !utf8.ValidString(got) || !strings.HasSuffix(got, "é…") {
		t.Errorf("got %q", got)
	}
}
