package annotation

import (
	"strings"
	"testing"
)

func TestRewriteTarget(t *testing.T) {
	checks := &Checks{Expression: func(text string) error {
		if strings.Contains(text, "$1") || strings.Contains(text, "$hosts") {
			t.Errorf("asked about %q", text)
		}
		return nil
	}}
	for text, ok := range map[string]bool{
		"": true, "/": true, "/$1/x-$9.~_:y": true, "https://$host$1s/": true, "$1": true, "foo": true,
		"/a?b": false, "/a b": false, "/${host}": false, "/a\"": false, "/é": false, "/a;": false, "/#": false, "/%20": false,
		strings.Repeat("/", longestRewrite+1): false, strings.Repeat("$1", mostReferences+1): false,
	} {
		if _, err := parseRewriteTarget(text, place{checks: checks}); (err == nil) != ok {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}
