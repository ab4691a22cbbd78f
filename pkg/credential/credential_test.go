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
	if len(wrong) > 0 || len(users.hashes) != 10 {
		t.Fatalf("%d users, %v", len(users.hashes), wrong)
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
		if len(users.hashes) != 0 || len(wrong) != 1 || wrong[0].Error() != "line 2: "+want.Error() {
			t.Errorf("%.70q: %d users, %v, want %v", line, len(users.hashes), wrong, want)
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

// usersOf is a list with one user, a.
func usersOf(h *hash) *Users {
	return &Users{byName: map[string]*hash{"a": h}, hashes: []*hash{h}}
}

// waiting is how many wait for a place.
func waiting(v *Verifier) int {
	v.queue.mu.Lock()
	defer v.queue.mu.Unlock()
	return v.queue.waiting
}

// A password is computed once, for an unknown user as well as for a known one.
func TestRemembers(t *testing.T) {
	of := &slow{proceed: make(chan struct{})}
	close(of.proceed)
	h := &hash{text: "hash", of: of, cost: 1000}
	users := usersOf(h)
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
	users := usersOf(h)
	v := NewVerifier()
	computing := v.queue.free
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
	admitted := mostWaiting + computing
	for range admitted {
		all.Go(ask)
	}
	for waiting(v) < mostWaiting {
		time.Sleep(time.Millisecond)
	}
	for range 100 {
		ask()
	}
	if n := busy.Load(); n != 100 {
		t.Errorf("%d are told that it is busy, want 100", n)
	}
	if n := of.compared.Load(); int(n) > computing {
		t.Errorf("%d compute at a time, want %d", n, computing)
	}
	close(of.proceed)
	all.Wait()
	if n := int(right.Load()); n != admitted {
		t.Errorf("%d of %d are right", n, admitted)
	}
	if n := of.compared.Load(); int(n) > computing {
		t.Errorf("%d comparisons of one password", n)
	}
}

// Whoever floods one list keeps the users of another one waiting for two hashes at most,
// and out never.
func TestListsTakeTurns(t *testing.T) {
	of, other := &slow{proceed: make(chan struct{})}, &slow{proceed: make(chan struct{})}
	close(other.proceed)
	flooded := usersOf(&hash{text: "hash", of: of, cost: 1000})
	v := NewVerifier()
	computing := v.queue.free
	var busy atomic.Int32
	var all sync.WaitGroup
	for i := range mostWaiting + computing {
		all.Go(func() {
			if v.Verify(flooded, []byte("a"), []byte{byte(i)}) == Busy {
				busy.Add(1)
			}
		})
	}
	for waiting(v) < mostWaiting || int(of.compared.Load()) < computing {
		time.Sleep(time.Millisecond)
	}
	verdicts := make(chan Verdict)
	go func() {
		verdicts <- v.Verify(usersOf(&hash{text: "other", of: other, cost: 1000}), []byte("a"), []byte("s3cret"))
	}()
	for busy.Load() == 0 { // one of the flood made room
		time.Sleep(time.Millisecond)
	}
	if got := v.Verify(flooded, []byte("a"), []byte("x")); got != Busy {
		t.Errorf("the flooded list: %v, want Busy", got)
	}
	for range 2 {
		of.proceed <- struct{}{}
	}
	if got := <-verdicts; got != Right {
		t.Errorf("the other list: %v, want Right", got)
	}
	close(of.proceed)
	all.Wait()
	if n := busy.Load(); n != 1 {
		t.Errorf("%d of the flood were sent away, want 1", n)
	}
	if q := &v.queue; q.free != computing || q.waiting != 0 || len(q.lines) != 0 {
		t.Errorf("%d of %d places are free, %d wait in %d lines", q.free, computing, q.waiting, len(q.lines))
	}
}

// No place is lost between those who come, give up and are sent away at the same time.
func TestQueueKeepsItsPlaces(t *testing.T) {
	q := queue{free: 2}
	var lists [5]Users
	var all sync.WaitGroup
	var inside atomic.Int32
	for i := range 400 {
		all.Go(func() {
			for k := range 20 {
				if !q.enter(&lists[i*k%len(lists)], time.Duration(i%7)*50*time.Microsecond) {
					continue
				}
				if n := inside.Add(1); n > 2 {
					t.Errorf("%d have a place", n)
				}
				time.Sleep(20 * time.Microsecond)
				inside.Add(-1)
				q.leave()
			}
		})
	}
	all.Wait()
	if q.free != 2 || q.waiting != 0 || len(q.lines) != 0 {
		t.Errorf("%d of 2 places are free, %d wait in %d lines", q.free, q.waiting, len(q.lines))
	}
}

// An unknown name is compared with as costly a hash as often as a known one is, and with
// the same one in each process.
func TestUnknownUsersAreLikeKnownOnes(t *testing.T) {
	content := []byte("a:{PLAIN}a\nb:{PLAIN}b\nc:{PLAIN}c\nd:$2b$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG\n")
	users, _ := Parse(content)
	again, _ := Parse(content)
	costly := 0
	for i := range 1000 {
		name := []byte{'x', byte(i), byte(i >> 8)}
		h := users.decoy(name)
		if h.text != again.decoy(name).text {
			t.Fatalf("%q has another hash in another process", name)
		}
		if h.cost > cheap {
			costly++
		}
	}
	if costly < 200 || costly > 300 {
		t.Errorf("%d of 1000 unknown names have a costly hash, want about 250", costly)
	}
}

func TestWaitsForSomeTimeOnly(t *testing.T) {
	of := &slow{proceed: make(chan struct{})}
	h := &hash{text: "hash", of: of, cost: 1000}
	users := usersOf(h)
	v := NewVerifier()
	computing := v.queue.free
	v.longest = 10 * time.Millisecond
	var all sync.WaitGroup
	for range computing {
		all.Go(func() { v.Verify(users, []byte("a"), []byte("s3cret")) })
	}
	for int(of.compared.Load()) < computing {
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
	users := usersOf(h)
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
		v.Verify(users, other, password)
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
