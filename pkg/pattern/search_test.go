package pattern

import (
	"strings"
	"testing"
)

func TestSearchBoundsWhatAnExpressionCosts(t *testing.T) {
	for _, text := range []string{"^(ann|bob)$", "CN=[a-z.]{1,64},O=Shop", strings.Repeat("name|", 200), "(?i)v[0-9]+"} {
		if _, err := Search(text); err != nil {
			t.Errorf("%.40q: %v", text, err)
		}
	}
	for _, text := range []string{strings.Repeat("x{1000}", 70), "(((.{9}){9}){9})(((.{9}){9}){9})(((.{9}){9}){9})(((.{9}){9}){9})(((.{9}){9}){9})(((.{9}){9}){9})", "(", "a{1001}"} {
		if _, err := Search(text); err == nil {
			t.Errorf("%.40q is an expression", text)
		}
	}
}
