package credential

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// list has the password s3cret in each form, made by openssl passwd, crypt(3) and
// openssl dgst.
const list = `# users
apr1:$apr1$abcdefgh$M2T3erDstkD7SsE2QQnfH0
md5:$1$abcdefgh$7.vq19w/w3Vm.hk1FOA7Q/
sha256:$5$abcdefgh$OcHWp0Vj4l19dnE2g4tHD4hbItEZgO0bjRV6LjwCLoA
sha512:$6$abcdefgh$Z7KfoKnKTSZrzo5VZ0YubGLQOj9ov6sHo9TmE3zIU/LHKhpE30zCnZ0mcIXYf9r9rQ4DYaXoxAFSPFlcWdxjB.
rounds:$6$rounds=2000$abcdefgh$ghK/ALAXVo9LRuVBRAI8.KytYl8VcGugNJnwaeO65cqOSO26tv7c7bpzUGR3xzOYWyJOGgg/MH0oBp8xqUBZJ1
bcrypt:$2b$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG
bcrypt2y:$2y$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG:a comment

sha:{SHA}/vNB+F2HQ559kaLUZbmHHvZrXpg=
ssha:{SSHA}JVrhyTqab1YvH3vR2b1RYUumqqZzYWx0
plain:{PLAIN}s3cret
plain:{PLAIN}the first line counts
`

func TestForms(t *testing.T) {
	users, wrong := Parse([]byte(list))
	if len(wrong) > 0 || users.Len() != 10 {
		t.Fatalf("%d users, %v", users.Len(), wrong)
	}
	v := NewVerifier()
	for name := range users.byName {
		for _, password := range []string{"s3cret", "s3cret ", "", "S3cret", "s3cre"} {
			want := verdict(password == "s3cret")
			for range 2 { // computed, and remembered
				if got := v.Verify(users, []byte(name), []byte(password)); got != want {
					t.Errorf("%s %q: %v, want %v", name, password, got, want)
				}
			}
		}
	}
	for _, name := range []string{"", "nobody", "apr", "# users"} {
		if got := v.Verify(users, []byte(name), []byte("s3cret")); got != Wrong {
			t.Errorf("%q: %v", name, got)
		}
	}
	if got := v.Verify(users, []byte("plain"), []byte(strings.Repeat("x", MostLength))); got != Wrong {
		t.Errorf("credentials of any length: %v", got)
	}
	none, _ := Parse(nil)
	if got := v.Verify(none, []byte("plain"), []byte("s3cret")); got != Wrong {
		t.Errorf("an empty list: %v", got)
	}
}

func TestLinesOfNoUse(t *testing.T) {
	for line, want := range map[string]error{
		"name":            errForm,
		":{PLAIN}x":       errForm,
		"a:abhWCwoTZY2c6": errCrypt,
		"a:s3cret":        errKind,
		"a:":              errKind,
		"a:$2x$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG": errKind,
		"a:$2b$15$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG": errCost,
		"a:$2b$xx$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG": errCost,
		"a:$2b$04$abcdefghijklmnopqrstuuLZYjhNQAOdp":                     errHash,
		"a:$apr1$abcdefgh":                             errHash,
		"a:$apr1$abcdefgh$short":                       errHash,
		"a:$6$abcdefgh$":                               errHash,
		"a:$6$rounds=x$abcdefgh$ghK":                   errHash,
		"a:$6$rounds=$abcdefgh$ghK":                    errHash,
		"a:$6$rounds=900000000$abcdefgh$ghK":           errRounds,
		"a:{SHA}x":                                     errHash,
		"a:{SSHA}eA==":                                 errHash,
		"a:{PLAIN}" + strings.Repeat("x", longestLine): errLength,
	} {
		users, wrong := Parse([]byte("\n" + line + "\r\n"))
		if users.Len() != 0 || len(wrong) != 1 || wrong[0].Error() != "line 2: "+want.Error() {
			t.Errorf("%.70q: %d users, %v, want %v", line, users.Len(), wrong, want)
		}
	}
	if _, wrong := Parse([]byte(strings.Repeat("name\n", 100))); len(wrong) != mostErrors {
		t.Errorf("%d errors, want %d", len(wrong), mostErrors)
	}
}

// slow counts comparisons, and each waits.
type slow struct {
	compared atomic.Int32
	proceed  chan struct{}
}

func (s *slow) MatchesPassword(password string) bool {
	s.compared.Add(1)
	<-s.proceed
	return password == "s3cret"
}

// A password is computed once, for an unknown user as well as for a known one.
func TestRemembers(t *testing.T) {
	of := &slow{proceed: make(chan struct{})}
	close(of.proceed)
	h := &hash{text: "hash", of: of, cost: 1000}
	users := &Users{byName: map[string]*hash{"a": h}, decoy: h}
	v := NewVerifier()
	for i, c := range []struct {
		name, password string
		want           Verdict
	}{{"a", "s3cret", Right}, {"a", "wrong", Wrong}, {"b", "s3cret", Wrong}} {
		for range 5 {
			if got := v.Verify(users, []byte(c.name), []byte(c.password)); got != c.want {
				t.Errorf("%s %s: %v", c.name, c.password, got)
			}
		}
		if n := int(of.compared.Load()); n != i+1 {
			t.Errorf("%s %s: %d comparisons, want %d", c.name, c.password, n, i+1)
		}
	}
	// A changed hash is another one, and what another process knows is of no use.
	h.text = "changed"
	v.Verify(users, []byte("a"), []byte("s3cret"))
	NewVerifier().Verify(users, []byte("a"), []byte("s3cret"))
	if n := of.compared.Load(); n != 5 {
		t.Errorf("%d comparisons, want 5", n)
	}
	for i := range v.right {
		if p := v.right[i].Load(); p != nil && strings.Contains(string(p[:]), "s3cret") {
			t.Error("a password is kept")
		}
	}
}

// Few compute at a time, a bounded number waits, and the others are sent away at once.
// Requests of one user that wait together compute once.
func TestFlood(t *testing.T) {
	of := &slow{proceed: make(chan struct{})}
	h := &hash{text: "hash", of: of, cost: 1000}
	users := &Users{byName: map[string]*hash{"a": h}, decoy: h}
	v := NewVerifier()
	var busy, right atomic.Int32
	var all sync.WaitGroup
	ask := func() {
		switch v.Verify(users, []byte("a"), []byte("s3cret")) {
		case Busy:
			busy.Add(1)
		case Right:
			right.Add(1)
		}
	}
	admitted := mostWaiting + cap(v.working)
	for range admitted {
		all.Go(ask)
	}
	for int(v.waiting.Load()) < mostWaiting {
		time.Sleep(time.Millisecond)
	}
	for range 100 {
		ask()
	}
	if n := busy.Load(); n != 100 {
		t.Errorf("%d are told that it is busy, want 100", n)
	}
	if n := of.compared.Load(); int(n) > cap(v.working) {
		t.Errorf("%d compute at a time, want %d", n, cap(v.working))
	}
	close(of.proceed)
	all.Wait()
	if n := int(right.Load()); n != admitted {
		t.Errorf("%d of %d are right", n, admitted)
	}
	if n := of.compared.Load(); int(n) > cap(v.working) {
		t.Errorf("%d comparisons of one password", n)
	}
}

func TestWaitsForSomeTimeOnly(t *testing.T) {
	of := &slow{proceed: make(chan struct{})}
	h := &hash{text: "hash", of: of, cost: 1000}
	users := &Users{byName: map[string]*hash{"a": h}, decoy: h}
	v := NewVerifier()
	v.longest = 10 * time.Millisecond
	var all sync.WaitGroup
	for range cap(v.working) {
		all.Go(func() { v.Verify(users, []byte("a"), []byte("s3cret")) })
	}
	for int(of.compared.Load()) < cap(v.working) {
		time.Sleep(time.Millisecond)
	}
	if got := v.Verify(users, []byte("a"), []byte("other")); got != Busy {
		t.Errorf("%v, want Busy", got)
	}
	close(of.proceed)
	all.Wait()
}

// The tables keep what they hold within bounds, and wrong passwords drive no right one
// out.
func TestBounds(t *testing.T) {
	of := &slow{proceed: make(chan struct{})}
	close(of.proceed)
	h := &hash{text: "hash", of: of, cost: 1000}
	users := &Users{byName: map[string]*hash{"a": h}, decoy: h}
	v := NewVerifier()
	v.wrong = make(known, places)
	v.Verify(users, []byte("a"), []byte("s3cret"))
	for i := range 1000 {
		v.Verify(users, []byte("a"), []byte{byte(i), byte(i >> 8), 'x'})
	}
	of.compared.Store(0)
	if v.Verify(users, []byte("a"), []byte("s3cret")) != Right || of.compared.Load() != 0 {
		t.Error("a right password was forgotten for wrong ones")
	}
}

func TestNothingIsAllocated(t *testing.T) {
	users, _ := Parse([]byte(list))
	v := NewVerifier()
	name, password, other := []byte("bcrypt"), []byte("s3cret"), []byte("other")
	if n := testing.AllocsPerRun(100, func() {
		v.Verify(users, name, password)
		v.Verify(users, name, other)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(list))
	f.Fuzz(func(t *testing.T, content []byte) {
		users, _ := Parse(content)
		for _, h := range users.byName {
			if h.cost <= 5000 {
				h.of.MatchesPassword("s3cret")
			}
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	users, _ := Parse([]byte(list))
	v := NewVerifier()
	name, password := []byte("bcrypt"), []byte("s3cret")
	b.ReportAllocs()
	for b.Loop() {
		v.Verify(users, name, password)
	}
}
