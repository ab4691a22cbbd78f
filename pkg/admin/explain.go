package admin

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/shockwave-ingress/shockwave/pkg/snapshot"
)

// How /explain is asked.
const explainUsage = "ask with /explain?method=GET&url=http://HOST/PATH, and more with &field=Name:+value and &format=json"

// explain tells what becomes of a request: the parameters are its method, its url
// and any number of field. The length of the question is bounded by that of a
// request of this listener, and by snapshot.NewQuestion.
func (c *Config) explain(w http.ResponseWriter, r *http.Request) {
	asked, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		answer(w, http.StatusBadRequest, "the query does not parse: "+explainUsage)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		switch values := asked[name]; name {
		case "field":
		case "method", "url", "format":
			if len(values) > 1 {
				answer(w, http.StatusBadRequest, name+" stands twice: "+explainUsage)
				return
			}
		default:
			answer(w, http.StatusBadRequest, fmt.Sprintf("there is no parameter %.80q: %s", name, explainUsage))
			return
		}
	}
	question, err := snapshot.NewQuestion(asked.Get("method"), asked.Get("url"), asked["field"])
	if err != nil {
		answer(w, http.StatusBadRequest, err.Error()+"\n"+explainUsage)
		return
	}
	format := asked.Get("format")
	if !knownFormat(w, format) {
		return
	}
	explanation := c.Explain(question)
	if explanation == nil {
		answer(w, http.StatusServiceUnavailable, "no configuration is served yet")
		return
	}
	show(w, format, explanation)
}
