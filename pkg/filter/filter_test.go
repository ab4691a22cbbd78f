package filter

import (
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// newExchange returns an exchange with the fields of its request and of the response,
// each "Name: value" on a line.
func newExchange(t testing.TB, method, request, response string) *message.Exchange {
	t.Helper()
	ex := &message.Exchange{Session: new(message.Session), Mem: alloc.Take(alloc.Standard)}
	t.Cleanup(ex.Mem.Release)
	ex.Request.Method, ex.Request.MethodID = []byte(method), message.LookupMethod([]byte(method))
	ex.Request.Fields.Reset(nil)
	ex.Response.Fields.Reset(nil)
	addFields(&ex.Request.Fields, request)
	addFields(&ex.Response.Fields, response)
	return ex
}

func addFields(f *message.Fields, lines string) {
	for line := range strings.Lines(lines) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			f.AddName(name, []byte(value))
		}
	}
}

// lines returns fields as newExchange takes them.
func lines(f *message.Fields) string {
	var b strings.Builder
	for i := range f.Len() {
		if _, name, value, ok := f.At(i); ok {
			b.WriteString(string(name) + ": " + string(value) + "\n")
		}
	}
	return b.String()
}

// compile makes the chain of a route with these filters.
func compile(t testing.TB, f model.Filters) *Chain {
	t.Helper()
	c, err := Compile(&Settings{Filters: f, Path: "/", Shared: new(Shared)})
	if err != nil {
		t.Fatal(err)
	}
	return &c
}

// Routes share what is larger compiled than it is written: how many there are is up to the
// author of an Ingress.
func TestRoutesShareWhatIsLarge(t *testing.T) {
	settings := Settings{Filters: model.Filters{
		ExternalAuth:   model.ExternalAuth{URL: "http://auth.example/", SetFields: "X-A: $uri"},
		ResponseFields: model.ResponseFields{Set: "X-A: $uri"},
	}, Shared: new(Shared)}
	made := func() (*authFields, *fieldLines) {
		g, err := newExternalAuth(&settings)
		if err != nil {
			t.Fatal(err)
		}
		_, f, err := newResponseFields(&settings)
		if err != nil {
			t.Fatal(err)
		}
		return g.(*externalAuth).sets, f.(*responseFields).set
	}
	auth, fields := made()
	if again, andAgain := made(); again != auth || andAgain != fields {
		t.Error("two routes have lists of their own")
	}
	if e, err := settings.Shared.Expression("^a"); err != nil || e.String() != "^a" {
		t.Errorf("%v, %v", e, err)
	} else if again, _ := settings.Shared.Expression("^a"); again != e {
		t.Error("two routes have expressions of their own")
	}
}
