package variable

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestCompileErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"$", ErrName.Error()},
		{"a$", ErrName.Error()},
		{"$$host", ErrName.Error()},
		{"$-host", ErrName.Error()},
		{"${}", ErrName.Error()},
		{"${-}", ErrName.Error()},
		{"${host", ErrNoBraces.Error()},
		{"${ho-st}", ErrNoBraces.Error()},
		{"a$requst_uri", "variable $requst_uri is not known, did you mean $request_uri?"},
		{"$REMOTE_ADR", "variable $remote_adr is not known, did you mean $remote_addr?"},
		{"$geoip_city_name", "variable $geoip_city_name is not known"},
		{"$1", "variable $1 is not known"},
		{"$arg_", "variable $arg_ is not known, did you mean $args?"},
		{"$http_", "variable $http_ is not known, did you mean $http2?"},
		{"$http__NAMES", ""},
		{"$sent_http_transfer_encoding", "variable $sent_http_transfer_encoding is not known"},
		{"$upstream_http_location", "variable $upstream_http_location is not known"},
		{"$" + strings.Repeat("x", 100), "variable $" + strings.Repeat("x", 80) + "… is not known"},
		{strings.Repeat("x", MaxLength), ""},
		{strings.Repeat("x", MaxLength+1), ErrTooLong.Error()},
		{strings.Repeat("$uri", MaxParts), ""},
		{strings.Repeat("$uri", MaxParts+1), ErrTooMany.Error()},
		{"$uri$status", ""},
		{"{}%-_ plain text", ""},
		{"", ""},
	} {
		_, err := Compile(c.text, Log)
		if got := text(err); got != c.want {
			t.Errorf("%.40q: %s, want %s", c.text, got, c.want)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestSets(t *testing.T) {
	for _, v := range Table {
		name := spelled(v.Name)
		_, err := Compile("$"+name, Request)
		var late *LateError
		if errors.As(err, &late) != (v.Known == Log) {
			t.Errorf("%s: %v", name, err)
		}
		if late != nil && err.Error() != "variable $"+name+" is known only after the response" {
			t.Error(err)
		}
		if _, err := Compile("$"+name, Log); err != nil {
			t.Error(err)
		}
	}
}

func TestCompileFormatKeepsTheRest(t *testing.T) {
	e, problems, err := CompileFormat("$host [$opentelemetry_trace_id] $status", Request)
	if err != nil {
		t.Fatal(err)
	}
	var unknown *UnknownError
	var late *LateError
	if len(problems) != 2 || !errors.As(problems[0], &unknown) || !errors.As(problems[1], &late) {
		t.Errorf("problems: %v", problems)
	}
	if got := string(e.AppendEscaped(nil, proxied(), EscapeDefault, noBound)); got != "shop.example [-] -" {
		t.Errorf("got %q", got)
	}
	if _, _, err := CompileFormat("$host $", Log); !errors.Is(err, ErrName) {
		t.Error(err)
	}
}

func TestDescribesItself(t *testing.T) {
	e, err := Compile("${Host}:$uri/$host", Request)
	if err != nil {
		t.Fatal(err)
	}
	if e.String() != "${Host}:$uri/$host" || !slices.Equal(e.Variables(), []string{"host", "uri"}) {
		t.Errorf("%s has %v", e, e.Variables())
	}
	if text, ok := e.Constant(); ok || text != "" {
		t.Errorf("constant %q", text)
	}
	for _, text := range []string{"", "/login"} {
		e, err := Compile(text, Request)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := e.Constant(); !ok || got != text || len(e.Variables()) != 0 {
			t.Errorf("%q: %q %v", text, got, ok)
		}
	}
}

func TestNamesInTheTable(t *testing.T) {
	seen := map[string]bool{}
	known := map[Source]bool{}
	for _, s := range Sources {
		known[s] = true
	}
	used := map[id]bool{}
	for _, v := range Table {
		if seen[v.Name] {
			t.Errorf("%s is there twice", v.Name)
		}
		seen[v.Name] = true
		if !known[v.Source] {
			t.Errorf("%s has the source %q", v.Name, v.Source)
		}
		used[v.id] = true
		prefix, isPrefix := strings.CutSuffix(v.Name, anyName)
		if strings.ToLower(prefix) != prefix || isPrefix && !strings.HasSuffix(prefix, "_") {
			t.Errorf("%s is no name", v.Name)
		}
	}
	for i := missing + 1; i <= timeLocal; i++ {
		if !used[i] {
			t.Errorf("no row has the id %d", i)
		}
	}
}
