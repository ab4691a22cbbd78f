package message

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// parsed makes Fields of lines "Name: value" that stand in one buffer.
func parsed(lines ...string) *Fields {
	f := new(Fields)
	buf := []byte(strings.Join(lines, "\n"))
	f.Reset(buf)
	at := 0
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		f.AddParsed(at, at+len(name), at+len(line)-len(value), at+len(line))
		at += len(line) + 1
	}
	return f
}

// lines is what f holds, in order.
func lines(f *Fields) (all []string) {
	for i := range f.Len() {
		if _, name, value, ok := f.At(i); ok {
			all = append(all, string(name)+": "+string(value))
		}
	}
	return all
}

func expect(t *testing.T, f *Fields, want ...string) {
	t.Helper()
	if got := lines(f); !slices.Equal(got, want) {
		t.Errorf("fields are\n%q, want\n%q", got, want)
	}
}

func TestFieldsKeepOrderSpellingAndRepetitions(t *testing.T) {
	f := parsed("host: a", "X-One: 1", "Set-COOKIE: b", "x-one: 2", "Empty: ", "Set-Cookie: c")
	f.Add(XRealIP, []byte("::1"))
	f.AddName("X-Two", []byte("3"))
	expect(t, f, "host: a", "X-One: 1", "Set-COOKIE: b", "x-one: 2", "Empty: ", "Set-Cookie: c", "X-Real-IP: ::1", "X-Two: 3")
	if n, name, value, ok := f.At(0); n != Host || string(name) != "host" || string(value) != "a" || !ok {
		t.Errorf("At(0) = %v %q %q %v", n, name, value, ok)
	}
	if c := f.Count(SetCookie); c != 2 {
		t.Errorf("Set-Cookie occurs %d times", c)
	}
	if v, ok := f.Get(SetCookie); !ok || string(v) != "b" {
		t.Errorf("the first Set-Cookie is %q, %v", v, ok)
	}
	if v, ok := f.Lookup("X-ONE"); !ok || string(v) != "1" {
		t.Errorf("the first X-One is %q, %v", v, ok)
	}
	if v, ok := f.Lookup("x-two"); !ok || string(v) != "3" {
		t.Errorf("X-Two is %q, %v", v, ok)
	}
}

func TestAbsentFields(t *testing.T) {
	f := parsed("host: a", "X-One: 1")
	if f.Has(Cookie) || f.Has(Unknown) || f.Count(Cookie) != 0 {
		t.Error("there is a field that nobody added")
	}
	if v, ok := f.Get(Cookie); ok || v != nil {
		t.Errorf("Cookie is %q", v)
	}
	if v, ok := f.Lookup("X-Tw0"); ok || v != nil {
		t.Errorf("X-Tw0 is %q", v)
	}
	f.Del(Cookie)
	f.Del(Unknown)
	expect(t, f, "host: a", "X-One: 1")
}

func TestDelAndSet(t *testing.T) {
	f := parsed("Cookie: 1", "Host: a", "cookie: 2")
	f.Add(Cookie, []byte("3"))
	f.Del(Cookie)
	expect(t, f, "Host: a")
	if f.Has(Cookie) || f.Count(Cookie) != 0 || f.Len() != 4 {
		t.Errorf("after Del: Has %v, Count %d, Len %d", f.Has(Cookie), f.Count(Cookie), f.Len())
	}
	if _, ok := f.Lookup("cookie"); ok {
		t.Error("a removed field is found by its name")
	}
	if n, name, value, ok := f.At(0); ok || n != Unknown || name != nil || value != nil {
		t.Error("a removed field can be seen")
	}
	f.Set(Host, []byte("b"))
	expect(t, f, "Host: b")
	f.Set(Cookie, []byte("4"))
	expect(t, f, "Host: b", "Cookie: 4")
	if v, _ := f.Get(Cookie); string(v) != "4" {
		t.Errorf("Cookie is %q after Set", v)
	}
}

func TestRemoveOne(t *testing.T) {
	f := parsed("Cookie: 1", "X-One: 1", "Cookie: 2")
	f.Remove(0)
	expect(t, f, "X-One: 1", "Cookie: 2")
	if v, ok := f.Get(Cookie); !ok || string(v) != "2" || f.Count(Cookie) != 1 {
		t.Errorf("the Cookie left is %q, %v", v, ok)
	}
	f.Remove(1)
	f.Remove(2)
	expect(t, f)
	if f.Has(Cookie) {
		t.Error("there is a Cookie after the last was removed")
	}
}

func TestRemoveTwiceLeavesTheOthers(t *testing.T) {
	f := parsed("Cookie: 1", "Cookie: 2")
	f.Remove(0)
	f.Remove(0)
	if !f.Has(Cookie) {
		t.Error("removing one field twice hid another")
	}
}

func TestAddCopies(t *testing.T) {
	f := new(Fields)
	value := []byte("one")
	f.Add(Cookie, value)
	f.AddName("X-One", value)
	copy(value, "two")
	expect(t, f, "Cookie: one", "X-One: one")
}

func TestResetEmptiesAndBoundsWhatIsKept(t *testing.T) {
	f := parsed("Host: a")
	f.AddName("X-Large", make([]byte, maxKeptOwn+1))
	f.Reset(nil)
	if f.Len() != 0 || f.Has(Host) || f.head != nil {
		t.Error("Reset leaves fields")
	}
	if cap(f.own) > maxKeptOwn {
		t.Errorf("Reset keeps %d bytes", cap(f.own))
	}
}

func TestReusedFieldsDoNotAllocate(t *testing.T) {
	f, value := parsed("Host: a", "X-One: 1"), []byte("value")
	head := slices.Clone(f.head)
	if n := testing.AllocsPerRun(100, func() {
		f.Reset(head)
		f.AddParsed(0, 4, 6, 7)
		f.Add(Cookie, value)
		f.Set(Host, value)
		f.AddName("X-Two", value)
		f.Lookup("X-Two")
		f.Del(Cookie)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestNextAttemptCountsBeyondItsRecords(t *testing.T) {
	var trace Trace
	for port := range uint16(5) {
		trace.NextAttempt(netip.AddrPortFrom(netip.IPv4Unspecified(), port)).Status = 502
	}
	if trace.Tried != 5 || trace.Attempts[1].Addr.Port() != 1 || trace.Attempts[2].Addr.Port() != 4 {
		t.Errorf("after five attempts: %+v", trace)
	}
	if a := trace.NextAttempt(netip.AddrPort{}); a.Status != 0 {
		t.Errorf("a new attempt begins with status %d", a.Status)
	}
}

// Fields of any name, known to the program or not, are found and removed in any case.
func TestFieldsOfAnyName(t *testing.T) {
	f := parsed("Set-Cookie: a", "X-One: 1", "x-one: 2", "X-Two: 3")
	f.AddName("SET-cookie", []byte("b"))
	f.AddName("X-ONE", []byte("4"))
	for name, want := range map[string][]int{"set-cookie": {0, 4}, "X-One": {1, 2, 5}, "x-two": {3}, "X-Three": nil, "": nil} {
		var got []int
		for i := f.IndexName(name, 0); i >= 0; i = f.IndexName(name, i+1) {
			got = append(got, i)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q is at %v, want %v", name, got, want)
		}
	}
	f.DelName("set-COOKIE")
	f.DelName("X-one")
	f.DelName("X-Three")
	expect(t, f, "X-Two: 3")
	if f.Has(SetCookie) {
		t.Error("Set-Cookie is still there")
	}
	if n := testing.AllocsPerRun(100, func() { f.DelName("a-name-that-is-longer-than-thirty-two-bytes") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A removed field's position can be used again, and what was removed can be dropped.
func TestPutTidyAndShrink(t *testing.T) {
	f := parsed("Host: a", "X-One: 1", "x-one: 2")
	f.AddName("X-Two", []byte("3"))
	if at := f.DelName("X-ONE"); at != 1 {
		t.Errorf("X-One was at %d", at)
	}
	if at := f.DelName("X-Three") + f.DelName("Cookie"); at != -2 {
		t.Error("fields were removed that were not there")
	}
	f.PutName(1, "Cookie", []byte("4"))
	expect(t, f, "Host: a", "Cookie: 4", "X-Two: 3")
	if !f.Has(Cookie) || f.Added() != len("Cookie4X-Two3") {
		t.Errorf("Has %v, %d bytes", f.Has(Cookie), f.Added())
	}
	f.Shrink()
	f.Tidy() // there is too little to do
	if f.Len() != 4 {
		t.Errorf("%d positions", f.Len())
	}
	view, _ := f.Get(Cookie)
	for i := range 100 {
		f.AddName("X-Many", make([]byte, 100))
		f.Remove(4 + i)
	}
	f.Remove(4) // once more
	f.Tidy()
	f.Shrink()
	if f.Len() != 3 || len(f.own) != f.Added() || f.gone != 0 {
		t.Errorf("%d positions, %d bytes for %d", f.Len(), len(f.own), f.Added())
	}
	expect(t, f, "Host: a", "Cookie: 4", "X-Two: 3")
	f.Set(Cookie, []byte("5"))
	f.AddName("X-Four", make([]byte, 2*spareOwn))
	if string(view) != "4" {
		t.Errorf("a view has become %q", view)
	}
	for range maxKeptList {
		f.Add(Cookie, nil)
	}
	if f.Reset(nil); cap(f.list) > maxKeptList || f.Added() != 0 || f.gone != 0 {
		t.Errorf("Reset keeps %d positions, %d bytes", cap(f.list), f.Added())
	}
}
