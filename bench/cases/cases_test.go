package cases

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestAnswersAreAsTheyShouldBe asks the handlers of net/http, which stand for the
// others: the load compares the answers of all with the same bytes.
func TestAnswersAreAsTheyShouldBe(t *testing.T) {
	for _, c := range All() {
		t.Run(c.Name, func(t *testing.T) {
			in := bufio.NewReader(bytes.NewReader(c.Request.Bytes))
			for range c.Batch {
				r, err := http.ReadRequest(in)
				if err != nil {
					t.Fatal(err)
				}
				w := httptest.NewRecorder()
				NetHTTP(c.Kind).ServeHTTP(w, r)
				if !bytes.Equal(w.Body.Bytes(), c.Request.Want.Body) {
					t.Errorf("got %.100q, want %.100q", w.Body, c.Request.Want.Body)
				}
				for _, field := range c.Request.Want.Fields {
					name, value, _ := strings.Cut(field, ": ")
					if got := w.Header().Get(name); got != value {
						t.Errorf("%s is %q, want %q", name, got, value)
					}
				}
			}
			if rest, _ := io.ReadAll(in); len(rest) > 0 {
				t.Errorf("%d bytes are no request", len(rest))
			}
			if found, ok := Find(c.Name); !ok || found.Text != c.Text {
				t.Error("it is not found by its name")
			}
		})
	}
}

// The texts say how large messages are.
func TestSizes(t *testing.T) {
	for _, c := range []struct {
		what        string
		got, lo, hi int
	}{
		{"the browser's request", len(Browser), 390, 400},
		{"its fields", strings.Count(Browser, "\r\n") - 2, 10, 10},
		{"the text", len(plain), 128, 128},
		{"the JSON of the mixed set", len(mixed), 128, 128},
		{"the JSON that is built", len(appendItems(nil)), 430, 470},
		{"the fields of Headers", strings.Count(fieldsRequest, "\r\n") - 3, fieldCount, fieldCount},
	} {
		if c.got < c.lo || c.got > c.hi {
			t.Errorf("%s: %d", c.what, c.got)
		}
	}
}
