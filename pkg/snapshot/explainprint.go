package snapshot

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// mostEndpoints bounds the endpoints of an explanation.
const mostEndpoints = 50

// WriteText writes e for people.
func (e *Explanation) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", e.Method, e.URL)
	if e.Path != "" {
		fmt.Fprintf(&b, "  asks %s for %s\n", e.Host, e.Path)
	}
	if e.Answer != nil {
		fmt.Fprintf(&b, "  is answered %d: %s\n", e.Answer.Status, e.Answer.Why)
	} else {
		fmt.Fprintf(&b, "  is forwarded to %s\n", e.To)
	}
	if e.Served != nil {
		fmt.Fprintf(&b, "\nhost %s\n  %s: %s\n", shown(e.Served.Name), e.Served.Kind, e.Served.Why)
	}
	e.printRoute(&b)
	e.printUpstream(&b)
	b.WriteString("\nallocation mode\n")
	fmt.Fprintf(&b, "  connection  %s  (%s)\n", e.Connection.Mode, e.Connection.From)
	fmt.Fprintf(&b, "  exchange  %s  (%s)\n", e.Exchange.Mode, e.Exchange.From)
	e.printLost(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (e *Explanation) printRoute(b *strings.Builder) {
	if e.Route == nil {
		return
	}
	b.WriteString("\nroute" + routeName(e.Route) + "\n  " + e.RouteWhy + "\n")
	if from := origin(e.Route.Ingress); from != "" {
		b.WriteString("  " + from + "\n")
	}
	options := e.Route.Options
	if options.AllocationMode == e.Exchange.Mode { // it is told there
		options.AllocationMode = model.DefaultOptions().AllocationMode
	}
	if changes := options.Changes(); changes != "" {
		b.WriteString(changes + "\n")
	}
	branches := e.Route.Branches.Branches()
	if changes := branches.Changes(); changes != "" {
		b.WriteString(changes + "\n")
	}
	if len(e.Filters) > 0 {
		b.WriteString("  filters  " + strings.Join(e.Filters, ", ") + "\n")
	}
}

// routeName is "  /path  prefix", or "  default backend".
func routeName(r *model.Route) string {
	if r.Path == "" {
		return "  default backend"
	}
	return "  " + r.Path + "  " + r.Match.String()
}

// origin is an object with the place that it was read from.
func origin(ref model.ObjectRef) string {
	switch {
	case ref == model.ObjectRef{}:
		return ""
	case ref.File == "":
		return ref.String()
	}
	return ref.String() + "  " + ref.File + ":" + strconv.Itoa(ref.Line)
}

func (e *Explanation) printUpstream(b *strings.Builder) {
	u := e.Upstream
	if u == nil {
		return
	}
	b.WriteString("\nupstream " + u.Key.String() + "\n")
	if u.ExternalName != "" {
		b.WriteString("  external " + u.ExternalName + "\n")
	}
	listed, more := endpointsOf(u)
	for i := range listed {
		b.WriteString("  " + listed[i].Addr.String())
		if listed[i].Pod != "" {
			b.WriteString("  " + listed[i].Pod)
		}
		if listed[i].Out {
			b.WriteString("  left out for a while: it could not be connected to")
		}
		b.WriteByte('\n')
	}
	printMore(b, more)
}

func endpointsOf(u *upstream.Stats) (list []upstream.EndpointStats, more int) {
	if len(u.Endpoints) <= mostEndpoints {
		return u.Endpoints, 0
	}
	return u.Endpoints[:mostEndpoints], len(u.Endpoints) - mostEndpoints
}

func (e *Explanation) printLost(b *strings.Builder) {
	if len(e.OtherRoutes) > 0 {
		b.WriteString("\nother routes of the host\n")
	}
	for _, r := range e.OtherRoutes {
		b.WriteString(routeName(r.Route) + "  " + r.Route.Upstream.String())
		if from := origin(r.Route.Ingress); from != "" {
			b.WriteString("  " + from)
		}
		b.WriteString(": " + r.Why + "\n")
	}
	printMore(b, e.MoreRoutes)
	if len(e.OtherHosts)+e.MoreHosts > 0 {
		b.WriteString("\nother hosts\n")
	}
	for _, h := range e.OtherHosts {
		b.WriteString("  " + shown(h.Name) + ": " + h.Why + "\n")
	}
	printMore(b, e.MoreHosts)
}

func printMore(b *strings.Builder, n int) {
	if n > 0 {
		fmt.Fprintf(b, "  and %d more\n", n)
	}
}

// WriteJSON writes e for programs. The routes have the form that they have in
// /configuration.
func (e *Explanation) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(e)
}

// jsonMemory is an allocation mode with what chose it, under the names that
// settings have.
type jsonMemory struct {
	Mode model.AllocationMode `json:"allocation-mode"`
	From string               `json:"allocation-mode-from"`
}

type jsonAnswer struct {
	Status int    `json:"status"`
	Why    string `json:"why"`
}

type jsonHost struct {
	Name string `json:"name"`
	Kind string `json:"kind,omitempty"`
	Why  string `json:"why"`
}

type jsonRoute struct {
	Route *model.Route `json:"route"`
	Why   string       `json:"why"`
}

type jsonUpstream struct {
	Key           model.UpstreamKey `json:"key"`
	ExternalName  string            `json:"externalName,omitempty"`
	Endpoints     []jsonEndpoint    `json:"endpoints"`
	MoreEndpoints int               `json:"moreEndpoints,omitempty"`
}

type jsonEndpoint struct {
	Address string `json:"address"`
	Pod     string `json:"pod,omitempty"`
	LeftOut bool   `json:"leftOut,omitempty"`
}

// MarshalJSON gives the JSON form of e.
func (e *Explanation) MarshalJSON() ([]byte, error) {
	out := struct {
		Method      string        `json:"method"`
		URL         string        `json:"url"`
		Host        string        `json:"host,omitempty"`
		Path        string        `json:"path,omitempty"`
		Generation  uint64        `json:"generation"`
		Answer      *jsonAnswer   `json:"answer,omitempty"`
		ForwardedTo string        `json:"forwardedTo,omitempty"`
		Connection  jsonMemory    `json:"connection"`
		Exchange    jsonMemory    `json:"exchange"`
		Served      *jsonHost     `json:"matchedHost,omitempty"`
		Route       *jsonRoute    `json:"matchedRoute,omitempty"`
		Filters     []string      `json:"filters,omitempty"`
		Upstream    *jsonUpstream `json:"upstream,omitempty"`
		OtherRoutes []jsonRoute   `json:"otherRoutes,omitempty"`
		MoreRoutes  int           `json:"moreRoutes,omitempty"`
		OtherHosts  []jsonHost    `json:"otherHosts,omitempty"`
		MoreHosts   int           `json:"moreHosts,omitempty"`
	}{
		Method: e.Method, URL: e.URL, Host: e.Host, Path: e.Path, Generation: e.Generation,
		Connection: jsonMemory(e.Connection), Exchange: jsonMemory(e.Exchange), Filters: e.Filters, MoreRoutes: e.MoreRoutes, MoreHosts: e.MoreHosts,
	}
	if e.Answer != nil {
		out.Answer = (*jsonAnswer)(e.Answer)
	} else {
		out.ForwardedTo = e.To.String()
	}
	if e.Served != nil {
		out.Served = &jsonHost{shown(e.Served.Name), e.Served.Kind, e.Served.Why}
	}
	if e.Route != nil {
		out.Route = &jsonRoute{e.Route, e.RouteWhy}
	}
	if u := e.Upstream; u != nil {
		listed, more := endpointsOf(u)
		out.Upstream = &jsonUpstream{u.Key, u.ExternalName, make([]jsonEndpoint, len(listed)), more}
		for i := range listed {
			out.Upstream.Endpoints[i] = jsonEndpoint{listed[i].Addr.String(), listed[i].Pod, listed[i].Out}
		}
	}
	for _, r := range e.OtherRoutes {
		out.OtherRoutes = append(out.OtherRoutes, jsonRoute(r))
	}
	for _, h := range e.OtherHosts {
		out.OtherHosts = append(out.OtherHosts, jsonHost{Name: shown(h.Name), Why: h.Why})
	}
	return json.Marshal(out)
}
