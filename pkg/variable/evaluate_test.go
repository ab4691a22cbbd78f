package variable

import (
	"bytes"
	"encoding/json"
	"hash/fnv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/shockwave-ingress/shockwave/internal/race"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// all is a text with every variable.
func all(known Set) *Expression {
	var b strings.Builder
	for _, v := range Table {
		if v.Known <= known {
			b.WriteString("${" + spelled(v.Name) + "} ")
		}
	}
	b.WriteString("$http_cookie $http_user_agent")
	e, err := Compile(b.String(), known)
	if err != nil {
		panic(err)
	}
	return e
}

func TestEscapes(t *testing.T) {
	c := proxied()
	c.Exchange.Request.Fields.Set(message.UserAgent, []byte("\"\\\n\r\t\b\f\x01\x7f \u00e9\u2028\xff\xc3"))
	e, err := Compile("\"$http_user_agent\" $http_referer", Log)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []struct {
		escape Escape
		most   int
		want   string
	}{
		{EscapeNone, noBound, "\"\"\\\n\r\t\b\f\x01\x7f \u00e9\u2028\xff\xc3\" "},
		{EscapeDefault, noBound, `"\x22\x5C\x0A\x0D\x09\x08\x0C\x01\x7F \xC3\xA9\xE2\x80\xA8\xFF\xC3" -`},
		{EscapeJSON, noBound, `"\"\\\n\r\t\b\f\u0001` + "\x7f \u00e9\u2028" + `\ufffd\ufffd" `},
		{EscapeNone, 2, "\"\"\\\" "},
		{EscapeDefault, 2, `"\x22\x5C" -`},
		{EscapeJSON, 11, `"\"\\\n\r\t\b\f\u0001` + "\x7f " + `\ufffd" `},
		{EscapeDefault, 0, `"" -`},
	} {
		if got := string(e.AppendEscaped(nil, c, k.escape, k.most)); got != k.want {
			t.Errorf("escape %d, at most %d:\n got %s\nwant %s", k.escape, k.most, got, k.want)
		}
	}
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	e, err := Compile("$host", Request)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(e.Append([]byte("to "), proxied())); got != "to shop.example" {
		t.Error(got)
	}
}

// A hash that changed would move clients to other endpoints while replicas of two
// versions run side by side.
func TestHashStaysTheSame(t *testing.T) {
	e, err := Compile("$host$request_uri", Request)
	if err != nil {
		t.Fatal(err)
	}
	if got := e.Hash(proxied()); got != 0xc23f83a0d87c477b {
		t.Errorf("%#x", got)
	}
}

func TestHashIsThatOfTheText(t *testing.T) {
	c := proxied()
	c.Exchange.Request.Target = bytes.Repeat([]byte("/long"), 4000)
	e := all(Request)
	h := fnv.New64a()
	h.Write(e.Append(nil, c))
	if got := e.Hash(c); got != h.Sum64() {
		t.Errorf("%x, want %x", got, h.Sum64())
	}
}

func TestPresent(t *testing.T) {
	c := proxied()
	for text, want := range map[string]bool{
		"$cookie_sid":            true,
		"$cookie_sid$cookie_no":  false,
		"$cookie_no$cookie_sid":  false,
		"user-$cookie_no":        false,
		"a":                      false,
		"":                       false,
		"$http2":                 true, // empty, but known
		"$remote_addr $uri text": true,
	} {
		e, err := Compile(text, Request)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Present(c); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestKeysOfOtherValuesAreOthers(t *testing.T) {
	e, err := Compile("a$http_x$arg_y", Request)
	if err != nil {
		t.Fatal(err)
	}
	keys := make(map[string][2]string)
	for _, values := range [][2]string{{"", ""}, {"k", ""}, {"", "k"}, {"kl", "m"}, {"k", "lm"}, {"klm", ""}} {
		ex := new(message.Exchange)
		ex.Request.Fields.AddName("X", []byte(values[0]))
		ex.Request.Query = []byte("y=" + values[1])
		key, some := e.AppendKey(nil, &Context{Exchange: ex}, 100)
		if want := values != [2]string{}; some != want {
			t.Errorf("%q: a value is there: %v", values, some)
		}
		if other, taken := keys[string(key)]; taken {
			t.Errorf("%q and %q have the same key", values, other)
		}
		keys[string(key)] = values
	}
}

func TestNoAllocation(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	e, c := all(Log), proxied()
	f := &c.Exchange.Request.Fields
	f.Add(message.XForwardedFor, []byte("192.0.2.1"))
	f.Add(message.Authorization, []byte("Basic Ym9iOnNlY3JldA=="))
	f.Set(message.UserAgent, []byte("\"\xff\x01 agent"))
	empty := &Context{Exchange: new(message.Exchange)}
	user := *c
	user.User = nil
	buf := make([]byte, 0, 16<<10)
	for _, c := range []*Context{c, &user, empty} {
		for escape := range EscapeJSON + 1 {
			if n := testing.AllocsPerRun(100, func() { e.AppendEscaped(buf, c, escape, 1<<10) }); n != 0 {
				t.Errorf("escape %d: %v allocations", escape, n)
			}
		}
		ex, path := c.Exchange, c.Path
		if n := testing.AllocsPerRun(100, func() { e.Hash(&Context{Exchange: ex, Path: path}) }); n != 0 {
			t.Errorf("hash: %v allocations", n)
		}
		if n := testing.AllocsPerRun(100, func() { e.Present(c) }); n != 0 {
			t.Errorf("present: %v allocations", n)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, text := range []string{
		"", "$", "$$", "${", "${}", "$host", "${host}x", "$host$uri", "a$arg_b c", "$http_x_y", "$status", "$no_such", "${no-such}",
		`{"a":"$host"}`, strings.Repeat("$uri", 300),
	} {
		f.Add(text)
	}
	c := proxied()
	f.Fuzz(func(t *testing.T, text string) {
		e, problems, err := CompileFormat(text, Log)
		_, strict := Compile(text, Log)
		if (strict == nil) != (err == nil && len(problems) == 0) {
			t.Fatalf("%v, but %v and %v", strict, problems, err)
		}
		if err != nil {
			return
		}
		if e.String() != text {
			t.Errorf("%q became %q", text, e)
		}
		got := e.Append(nil, c)
		if constant, ok := e.Constant(); ok && (constant != text || string(got) != text) {
			t.Errorf("the constant %q is %q", text, got)
		} else if ok == strings.Contains(text, "$") {
			t.Errorf("%q is a constant: %v", text, ok)
		}
		h := fnv.New64a()
		h.Write(got)
		if e.Hash(c) != h.Sum64() {
			t.Error("the hash is not that of the text")
		}
	})
}

func FuzzValues(f *testing.F) {
	f.Add([]byte("text"), []byte("a=1; sid=2"), []byte("color=1"), 100)
	f.Add([]byte("\"\\\x00\xff\u00e9"), []byte("=;;sid"), []byte("&&=&color"), 3)
	f.Add([]byte("Basic Ym9iOnNlY3JldA=="), []byte(`sid="a"`), []byte("COLOR=&"), 0)
	e := all(Log)
	f.Fuzz(func(t *testing.T, value, cookie, query []byte, most int) {
		most = max(most%10000, 0)
		c := proxied()
		c.User = nil
		r := &c.Exchange.Request
		r.Query, r.Target, r.Hostname, r.Authority = query, value, value, value
		for n := message.Unknown + 1; n.String() != ""; n++ {
			r.Fields.Add(n, value)
		}
		r.Fields.Set(message.Cookie, cookie)
		plain := e.Append(nil, c)
		h := fnv.New64a()
		h.Write(plain)
		if e.Hash(c) != h.Sum64() {
			t.Error("the hash is not that of the text")
		}
		line := e.AppendEscaped(nil, c, EscapeDefault, most)
		for _, b := range line {
			if b < ' ' || b > '~' || b == '"' {
				t.Fatalf("%q has the byte %#x", line, b)
			}
		}
		if len(line) > e.Bound(EscapeDefault, most) {
			t.Errorf("%d bytes, more than %d", len(line), e.Bound(EscapeDefault, most))
		}
		content := e.AppendEscaped(nil, c, EscapeJSON, most)
		if len(content) > e.Bound(EscapeJSON, most) {
			t.Errorf("%d bytes, more than %d", len(content), e.Bound(EscapeJSON, most))
		}
		quoted := append(append([]byte{'"'}, content...), '"')
		var back string
		if err := json.Unmarshal(quoted, &back); err != nil || !utf8.Valid(quoted) {
			t.Errorf("%s: %v", quoted, err)
		}
		if whole := e.AppendEscaped(nil, c, EscapeJSON, noBound); utf8.Valid(plain) {
			if err := json.Unmarshal([]byte(`"`+string(whole)+`"`), &back); err != nil || back != string(plain) {
				t.Errorf("%q became %q: %v", plain, back, err)
			}
		}
	})
}

func BenchmarkHash(b *testing.B) {
	e, err := Compile("$host$request_uri", Request)
	if err != nil {
		b.Fatal(err)
	}
	c := proxied()
	b.ReportAllocs()
	for b.Loop() {
		e.Hash(&Context{Exchange: c.Exchange, Path: c.Path})
	}
}

func BenchmarkDefaultLine(b *testing.B) {
	e, err := Compile(`$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" `+
		`"$http_user_agent" $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] `+
		`$upstream_addr $upstream_response_length $upstream_response_time $upstream_status $req_id`, Log)
	if err != nil {
		b.Fatal(err)
	}
	c := proxied()
	buf := make([]byte, 0, 4<<10)
	b.ReportAllocs()
	for b.Loop() {
		e.AppendEscaped(buf, c, EscapeDefault, 8<<10)
	}
}

// A text does not outgrow the room that is said to be enough, whatever values are.
func TestAppendWithin(t *testing.T) {
	e, c := all(Log), proxied()
	f := &c.Exchange.Request.Fields
	f.Set(message.UserAgent, []byte(strings.Repeat("\"\xff\x01é", 4<<10)))
	c.Exchange.Request.Target = []byte("/" + strings.Repeat("\xfe", 8<<10))
	for escape := range EscapeJSON + 1 {
		for _, least := range []int{1, 16, 256} {
			room := e.Bound(escape, least)
			got := e.AppendWithin(make([]byte, 0, room), c, escape, 8<<10, least)
			if len(got) > room || cap(got) != room {
				t.Errorf("escape %d: %d bytes in room for %d", escape, len(got), room)
			}
		}
		// Where there is room, nothing is cut.
		whole := e.AppendEscaped(nil, c, escape, 8<<10)
		roomy := e.AppendWithin(make([]byte, 0, e.Bound(escape, 16<<10)), c, escape, 8<<10, 16)
		if !bytes.Equal(whole, roomy) {
			t.Errorf("escape %d: cut although there is room", escape)
		}
	}
}
