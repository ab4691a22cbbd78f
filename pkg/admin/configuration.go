package admin

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// Configuration is what is being served, and what was wrong with the objects that
// it was made from.
type Configuration struct {
	// Generation is the number of the snapshot in use, and Published when it
	// was put to use.
	Generation uint64
	Published  time.Time
	Model      *model.Config
	Endpoints  model.Endpoints
	// Problems are those of the newest objects.
	Problems []model.Problem
	// Pools tell of the connections to endpoints at this moment.
	Pools []upstream.Stats
	// Failed is why the newest configuration is not in use. Empty when it is.
	Failed string
}

// configuration shows the configuration in use, as text or with ?format=json.
func (c *Config) configuration(w http.ResponseWriter, r *http.Request) {
	current := c.Configuration()
	if current == nil {
		answer(w, http.StatusServiceUnavailable, "no configuration is served yet")
		return
	}
	format := r.URL.Query().Get("format")
	if !knownFormat(w, format) {
		return
	}
	show(w, format, current)
}

// document is what can be shown in both formats.
type document interface {
	WriteJSON(w io.Writer) error
	WriteText(w io.Writer) error
}

// show writes d in a known format.
func show(w http.ResponseWriter, format string, d document) {
	if format == "json" {
		head(w, "application/json")
		_ = d.WriteJSON(w) // a client that went away
		return
	}
	head(w, "text/plain; charset=utf-8")
	_ = d.WriteText(w)
}

// knownFormat tells whether a format is text, which is the default, or json. If
// not, the client is told.
func knownFormat(w http.ResponseWriter, format string) bool {
	switch format {
	case "", "text", "json":
		return true
	}
	answer(w, http.StatusBadRequest, "format is text or json, not "+strconv.Quote(format))
	return false
}

// WriteText writes c for people.
func (c *Configuration) WriteText(w io.Writer) error {
	_, err := fmt.Fprintf(w, "# snapshot %d, in use since %s\n%s", c.Generation, c.Published.UTC().Format(time.RFC3339), c.Model)
	if err == nil && len(c.Endpoints) > 0 {
		_, err = fmt.Fprintf(w, "\n# endpoints\n%s", c.Endpoints)
	}
	if err == nil && len(c.Pools) > 0 {
		if _, err = io.WriteString(w, "\n# pools\n"); err == nil {
			err = writePools(w, c.Pools)
		}
	}
	if err == nil && len(c.Problems) > 0 {
		_, err = io.WriteString(w, "\n# problems\n")
	}
	for _, p := range c.Problems {
		if err == nil {
			_, err = fmt.Fprintln(w, p)
		}
	}
	if err == nil && c.Failed != "" {
		_, err = fmt.Fprintf(w, "\n# a newer configuration could not be put to use\n%s\n", c.Failed)
	}
	return err
}

// WriteJSON writes c for programs.
func (c *Configuration) WriteJSON(w io.Writer) error {
	problems := c.Problems
	if problems == nil {
		problems = []model.Problem{}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Generation uint64          `json:"generation"`
		Published  time.Time       `json:"published"`
		Config     *model.Config   `json:"config"`
		Endpoints  model.Endpoints `json:"endpoints"`
		Pools      []pool          `json:"pools"`
		Problems   []model.Problem `json:"problems"`
		Failed     string          `json:"failed,omitempty"`
	}{c.Generation, c.Published.UTC(), c.Model, c.Endpoints, jsonPools(c.Pools), problems, c.Failed})
}
