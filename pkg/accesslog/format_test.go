package accesslog

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/race"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/variable"
)

const jsonFormat = `{"time":"$time_iso8601","addr":"$remote_addr","user":"$remote_user","uri":"$request_uri",` +
	`"agent":"$http_user_agent","status":$status,"upstream":"$upstream_addr","cache":"$upstream_cache_status"}`

func formatOf(t testing.TB, text string, escape variable.Escape) *Format {
	t.Helper()
	f, problems, err := NewFormat(text, escape)
	if err != nil || len(problems) > 0 {
		t.Fatalf("%q: %v %v", text, problems, err)
	}
	return f
}

// lineOf is what a format makes of an exchange.
func lineOf(t testing.TB, f *Format, c *variable.Context) string {
	t.Helper()
	buf := make([]byte, 0, bufferBytes)
	line, ok := f.appendTo(buf, c)
	if !ok || cap(line) != cap(buf) {
		t.Fatalf("a line that does not fit: %d bytes", len(line))
	}
	return string(line)
}

func TestFormats(t *testing.T) {
	c := of(proxied(), time.Second, "default-cart-80")
	c.Exchange.Request.Fields.Set(message.UserAgent, []byte("a\"b\\\n\t\xff"))
	for _, f := range []struct {
		text   string
		escape variable.Escape
		want   string
	}{
		{DefaultFormat, variable.EscapeDefault, string(Append(nil, c))},
		{"$status $http_user_agent", variable.EscapeDefault, `200 a\x22b\x5C\x0A\x09\xFF` + "\n"},
		{`{"a":"$http_user_agent"}`, variable.EscapeJSON, `{"a":"a\"b\\\n\t\ufffd"}` + "\n"},
		{"$http_user_agent", variable.EscapeNone, "a\"b\\  \xff\n"},
		{"a\nb $http_none.", variable.EscapeDefault, "a b -.\n"},
		{"$http_none.", variable.EscapeJSON, ".\n"},
		{"", variable.EscapeDefault, "\n"},
	} {
		if got := lineOf(t, formatOf(t, f.text, f.escape), c); got != f.want {
			t.Errorf("%q makes %q, want %q", f.text, got, f.want)
		}
	}
}

func TestFormatErrors(t *testing.T) {
	unknown := (*variable.UnknownError)(nil)
	f, problems, err := NewFormat("$no_such $status", variable.EscapeDefault)
	if err != nil || len(problems) != 1 || !errors.As(problems[0], &unknown) {
		t.Fatalf("%v %v", problems, err)
	}
	if got := lineOf(t, f, of(proxied(), 0, "")); got != "- 200\n" {
		t.Errorf("%q", got)
	}
	if _, _, err := NewFormat("costs $ 5", variable.EscapeDefault); err == nil {
		t.Error("a text that is no format is one")
	}
}

// However large a format and an exchange are, a line fits and nothing is allocated.
func TestLargestFormat(t *testing.T) {
	ex := proxied()
	ex.Request.Target = bytes.Repeat([]byte("\xfe"), 1<<20)
	c := of(ex, 0, "up")
	for escape := range variable.EscapeJSON + 1 {
		f := formatOf(t, strings.Repeat("$request_uri", variable.MaxParts), escape)
		if line := lineOf(t, f, c); strings.Count(line, "\n") != 1 {
			t.Errorf("escape %d: no line of %d bytes", escape, len(line))
		}
	}
}

func TestFormatAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	l := New(&sink{})
	ex := proxied()
	ex.Request.Target = bytes.Repeat([]byte("\xfe"), 64)
	c := of(ex, 0, "up")
	for escape := range variable.EscapeJSON + 1 {
		f := formatOf(t, jsonFormat, escape)
		if n := testing.AllocsPerRun(100, func() { l.Write(c, f) }); n != 0 {
			t.Errorf("escape %d: %v allocations", escape, n)
		}
	}
}

// FuzzJSON proves that a line of a JSON format is JSON whatever a client sends.
func FuzzJSON(f *testing.F) {
	f.Add([]byte("curl"), []byte("/"))
	f.Add([]byte("\"\\\x00\x1f\x7f\xff\u2028"), []byte("\xed\xa0\x80"))
	format := formatOf(f, jsonFormat, variable.EscapeJSON)
	f.Fuzz(func(t *testing.T, agent, target []byte) {
		ex := proxied()
		ex.Request.Fields.Set(message.UserAgent, agent)
		ex.Request.Target = target
		var got map[string]any
		line := lineOf(t, format, of(ex, 0, "up"))
		if err := json.Unmarshal([]byte(line), &got); err != nil || strings.Count(line, "\n") != 1 {
			t.Errorf("%v: %q", err, line)
		}
	})
}
