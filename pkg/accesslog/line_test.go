package accesslog

import (
	"encoding/base64"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/variable"
)

// of is what lines tell of an exchange.
func of(ex *message.Exchange, elapsed time.Duration, upstream string) *variable.Context {
	c := &variable.Context{Exchange: ex, Elapsed: elapsed}
	if upstream != "" {
		c.Route = &variable.Route{Upstream: upstream}
	}
	return c
}

// proxied is the exchange that most cases begin with.
func proxied() *message.Exchange {
	ex := &message.Exchange{
		Remote: netip.MustParseAddrPort("[::ffff:192.0.2.7]:5000"),
		Start:  time.Date(2026, 3, 14, 15, 9, 26, 600e6, time.UTC),
	}
	ex.Request.Method = []byte("GET")
	ex.Request.Target = []byte("/cart?id=7")
	ex.Request.Minor = 1
	ex.Request.Fields.Add(message.Referer, []byte("https://shop.example/"))
	ex.Request.Fields.Add(message.UserAgent, []byte("curl/8.5"))
	ex.Trace.Status = 200
	ex.Trace.Received, ex.Trace.Sent, ex.Trace.BodySent = 135, 512, 344
	ex.Trace.RequestID = []byte("8f14e45fceea167a5a36dedd4bea2543")
	a := ex.Trace.NextAttempt(netip.MustParseAddrPort("10.0.0.4:8080"))
	a.Status, a.Length, a.Total = 200, 344, 41*time.Millisecond
	return ex
}

const usual = `192.0.2.7 - - [14/Mar/2026:15:09:27 +0000] "GET /cart?id=7 HTTP/1.1" 200 344 "https://shop.example/" ` +
	`"curl/8.5" 135 0.742 [default-cart-80] [] 10.0.0.4:8080 344 0.041 200 8f14e45fceea167a5a36dedd4bea2543` + "\n"

// byVariables is the default format by the table of variables: both ways to make a
// line must agree.
var byVariables, _ = variable.Compile(DefaultFormat, variable.Log)

func TestLines(t *testing.T) {
	local := time.Local
	time.Local = time.UTC
	t.Cleanup(func() { time.Local = local })
	basic := func(user string) []byte {
		return []byte("Basic " + base64.StdEncoding.EncodeToString([]byte(user)))
	}
	for _, c := range []struct {
		name     string
		change   func(ex *message.Exchange)
		upstream string
		// old is replaced by new in the usual line.
		old, new string
	}{
		{name: "usual"},
		{
			name: "IPv6 client and endpoint",
			change: func(ex *message.Exchange) {
				ex.Remote = netip.MustParseAddrPort("[2001:db8::1]:5000")
				ex.Trace.Attempts[0].Addr = netip.MustParseAddrPort("[2001:db8::2]:8080")
			},
			old: "192.0.2.7|10.0.0.4:8080", new: "2001:db8::1|[2001:db8::2]:8080",
		},
		{
			name:   "HTTP/1.0",
			change: func(ex *message.Exchange) { ex.Request.Minor = 0 },
			old:    "HTTP/1.1", new: "HTTP/1.0",
		},
		{
			name: "no Referer, empty User-Agent",
			change: func(ex *message.Exchange) {
				ex.Request.Fields.Del(message.Referer)
				ex.Request.Fields.Set(message.UserAgent, nil)
			},
			old: `"https://shop.example/"|"curl/8.5"`, new: `"-"|""`,
		},
		{
			name:   "user of Basic credentials",
			change: func(ex *message.Exchange) { ex.Request.Fields.Add(message.Authorization, basic("alice:secret")) },
			old:    " - - [", new: " - alice [",
		},
		{
			name:     "user that was authenticated",
			change:   func(ex *message.Exchange) { ex.Request.Fields.Add(message.Authorization, basic("mallory:secret")) },
			upstream: "authenticated",
			old:      " - - [| []", new: ` - al\x22ice [| [canary-80]`,
		},
		{
			name:   "user that forges a line",
			change: func(ex *message.Exchange) { ex.Request.Fields.Add(message.Authorization, basic("a\n\" b:")) },
			old:    " - - [", new: ` - a\x0A\x22 b [`,
		},
		{
			name: "user longer than the bound",
			change: func(ex *message.Exchange) {
				ex.Request.Fields.Add(message.Authorization, basic(strings.Repeat("a", 5000)+":"))
			},
		},
		{
			name:   "credentials that are not Base64",
			change: func(ex *message.Exchange) { ex.Request.Fields.Add(message.Authorization, []byte("Basic ???")) },
		},
		{
			name:   "credentials of another scheme",
			change: func(ex *message.Exchange) { ex.Request.Fields.Add(message.Authorization, []byte("Bearer abc")) },
		},
		{
			name: "quotes, backslashes, controls and bytes beyond ASCII",
			change: func(ex *message.Exchange) {
				ex.Request.Fields.Set(message.UserAgent, []byte("a\"b\\c\td\x00\x7f\x80\xff~"))
			},
			old: "curl/8.5", new: `a\x22b\x5Cc\x09d\x00\x7F\x80\xFF~`,
		},
		{
			name:   "request id that forges a field",
			change: func(ex *message.Exchange) { ex.Trace.RequestID = []byte("a\"\n") },
			old:    "8f14e45fceea167a5a36dedd4bea2543", new: `a\x22\x0A`,
		},
		{
			name: "refused before it was understood",
			change: func(ex *message.Exchange) {
				*ex = message.Exchange{Remote: ex.Remote, Start: ex.Start}
				ex.Trace.Status, ex.Trace.Received, ex.Trace.BodySent = 400, 9, 11
			},
			upstream: "none",
			old:      usual[len("192.0.2.7 - - [14/Mar/2026:15:09:27 +0000] "):], new: `"" 400 11 "-" "-" 9 0.742 [-] [] - - - - -` + "\n",
		},
		{
			name:   "client went away before the response",
			change: func(ex *message.Exchange) { ex.Trace.Status, ex.Trace.BodySent, ex.Trace.Attempts[0].Status = 0, 0, 0 },
			old:    `" 200 344 "|0.041 200`, new: `" 499 0 "|0.041 -`,
		},
		{
			name: "second endpoint",
			change: func(ex *message.Exchange) {
				*ex.Trace.NextAttempt(netip.MustParseAddrPort("10.0.0.5:8080")) =
					message.Attempt{Addr: netip.MustParseAddrPort("10.0.0.5:8080"), Status: 200, Length: 344, Total: 2 * time.Second}
				ex.Trace.Attempts[0] = message.Attempt{Addr: ex.Trace.Attempts[0].Addr, Total: 5 * time.Second}
			},
			old: "10.0.0.4:8080 344 0.041 200", new: "10.0.0.4:8080, 10.0.0.5:8080 0, 344 5.000, 2.000 -, 200",
		},
		{
			name: "more attempts than are recorded",
			change: func(ex *message.Exchange) {
				for range 4 {
					ex.Trace.NextAttempt(netip.MustParseAddrPort("10.0.0.5:8080"))
				}
			},
			old: "10.0.0.4:8080 344 0.041 200",
			new: "10.0.0.4:8080, 10.0.0.5:8080, 10.0.0.5:8080 344, 0, 0 0.041, 0.000, 0.000 200, -, -",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			ex := proxied()
			if c.change != nil {
				c.change(ex)
			}
			upstream := "default-cart-80"
			if c.upstream == "none" {
				upstream = ""
			}
			want := usual
			for i, old := range strings.Split(c.old, "|") {
				if old != "" {
					want = strings.Replace(want, old, strings.Split(c.new, "|")[i], 1)
				}
			}
			told := of(ex, 742*time.Millisecond, upstream)
			if c.upstream == "authenticated" {
				told.User, told.Alternative = []byte(`al"ice`), "canary-80"
			}
			got := Append(nil, told)
			if string(got) != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if len(got) > bound(told, maxVariable) {
				t.Errorf("%d bytes, and the bound is %d", len(got), bound(told, maxVariable))
			}
			if byTable := byVariables.AppendEscaped(nil, told, variable.EscapeDefault, maxVariable); string(byTable)+"\n" != string(got) {
				t.Errorf("got\n%s\nand by variables\n%s", got, byTable)
			}
		})
	}
}

// Whatever a client sends, a line is one line, has printable ASCII only, and no
// longer than its bound.
func FuzzLine(f *testing.F) {
	f.Add("GET", "/", "curl", "https://x/", "Basic YTpi", "id")
	f.Add("\"", "\n", "\\", "\x80", "Basic Cgo6", "\r\n")
	f.Fuzz(func(t *testing.T, method, target, agent, referer, authorization, id string) {
		ex := proxied()
		ex.Request.Method, ex.Request.Target = []byte(method), []byte(target)
		ex.Request.Fields.Set(message.UserAgent, []byte(agent))
		ex.Request.Fields.Set(message.Referer, []byte(referer))
		ex.Request.Fields.Set(message.Authorization, []byte(authorization))
		ex.Trace.RequestID = []byte(id)
		told := of(ex, time.Second, "up")
		line := Append(nil, told)
		if len(line) > bound(told, maxVariable) {
			t.Errorf("%d bytes, and the bound is %d", len(line), bound(told, maxVariable))
		}
		if byTable := byVariables.AppendEscaped(nil, told, variable.EscapeDefault, maxVariable); string(byTable)+"\n" != string(line) &&
			len(method)+len(target) < maxVariable {
			t.Errorf("got\n%s\nand by variables\n%s", line, byTable)
		}
		for i, c := range line {
			if (c < 0x20 || c >= 0x7f) && i != len(line)-1 {
				t.Fatalf("byte %#x at %d of %q", c, i, line)
			}
		}
		if n := strings.Count(string(line), `"`); n != 6 {
			t.Errorf("%d quotes in %q", n, line)
		}
	})
}

func TestLongValuesAreCut(t *testing.T) {
	ex := proxied()
	ex.Request.Target = []byte("/" + strings.Repeat("\xff", 1<<20))
	line := Append(nil, of(ex, 0, "up"))
	if len(line) > 4*maxVariable+1000 {
		t.Errorf("%d bytes", len(line))
	}
}

// The clock keeps one second; lines of an earlier one are still right.
func TestTimeOfEarlierSeconds(t *testing.T) {
	at := time.Date(2031, 1, 1, 0, 0, 0, 0, time.Local)
	for _, d := range []time.Duration{0, time.Second, 300 * time.Millisecond, -time.Second, 2 * time.Second, -time.Hour, -time.Hour} {
		want := at.Add(d).Format(timeLocal)
		if got := string(appendTime(nil, at.Add(d))); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	ex := proxied()
	ex.Request.Fields.Add(message.Authorization, []byte("Basic YWxpY2U6c2VjcmV0"))
	buf := make([]byte, 0, 4096)
	told, refused, earlier := of(ex, time.Second, "default-cart-80"), of(&message.Exchange{Start: ex.Start}, time.Second, ""), of(ex, 0, "default-cart-80")
	if n := testing.AllocsPerRun(100, func() {
		Append(buf, told)
		Append(buf, refused)
		Append(buf, earlier)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAppend(b *testing.B) {
	told := of(proxied(), time.Second, "default-cart-80")
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		Append(buf, told)
	}
}
