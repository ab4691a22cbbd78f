package upstream_test

import (
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/casefile"
)

// Each status that proxy-next-upstream knows leads to another endpoint when it is named,
// only then, and only where the method allows it. The last endpoint's answer is passed
// on.
func TestStatusesThatAreRetried(t *testing.T) {
	const text = `
== {s}, one endpoint after another
endpoints 2
retry http_{s}
> {get}
accept
>> {got}
<< HTTP/1.1 {s} Sorry\r\nContent-Length: 3\r\n\r\none
accept
>> {got}
<< HTTP/1.1 {s} Sorry\r\nContent-Length: 3\r\n\r\ntwo
< HTTP/1.1 {s} Sorry\r\nDate: @\r\nContent-Length: 3\r\n\r\ntwo
closed unfinished

== {s} is not among the conditions
endpoints 2
retry {others}
> {get}
accept
>> {got}
<< HTTP/1.1 {s} Sorry\r\nContent-Length: 3\r\n\r\none
< HTTP/1.1 {s} Sorry\r\nDate: @\r\nContent-Length: 3\r\n\r\none
dialled 1

== {s} for a POST
endpoints 2
retry http_{s}
> POST /a HTTP/1.1\r\n{me}Content-Length: 1\r\n\r\nx
accept
>> POST /a HTTP/1.1\r\n{fwd}Content-Length: 1\r\n\r\nx
<< HTTP/1.1 {s} Sorry\r\nContent-Length: 3\r\n\r\none
< HTTP/1.1 {s} Sorry\r\nDate: @\r\nContent-Length: 3\r\n\r\none
dialled 1

== {s} for a POST that may be repeated
endpoints 2
retry http_{s} non_idempotent
> POST /a HTTP/1.1\r\n{me}Content-Length: 1\r\n\r\nx
accept
>> POST /a HTTP/1.1\r\n{fwd}Content-Length: 1\r\n\r\nx
<< HTTP/1.1 {s} Sorry\r\n\r\n
accept
>> POST /a HTTP/1.1\r\n{fwd}Content-Length: 1\r\n\r\nx
<< HTTP/1.1 204 No Content\r\n\r\n
< HTTP/1.1 204 No Content\r\nDate: @\r\n\r\n
closed unfinished
`
	statuses := []string{"500", "502", "503", "504", "403", "404", "429"}
	for _, status := range statuses {
		others := "error timeout invalid_header non_idempotent"
		for _, other := range statuses {
			if other != status {
				others += " http_" + other
			}
		}
		read, err := casefile.Parse("status", []byte(strings.NewReplacer("{s}", status, "{others}", others).Replace(text)))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range read {
			c := newCase(t, r)
			t.Run(r.Name, func(t *testing.T) {
				t.Parallel()
				play(t, c)
			})
		}
	}
}
