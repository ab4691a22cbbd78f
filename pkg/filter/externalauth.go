package filter

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/authrequest"
	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/variable"
)

// externalAuth asks a service about each request (ingress-nginx: auth-url;
// rootfs/etc/nginx/template/nginx.tmpl). Asking allocates: net/http keeps what it is
// given for as long as it likes.
type externalAuth struct {
	client     *authrequest.Client
	method     string
	url        *variable.Expression
	chosenPort bool // the port of the URL is that of the request
	unverified bool
	sets       *authFields
	signIn     *variable.Expression // nil for none
	wanted     []string

	key       *variable.Expression // nil: nothing is remembered
	route     string               // what a key is of
	durations authrequest.Durations

	connect, within, request time.Duration
	asking                   *atomic.Int64
}

// authField is a field that the service gets.
type authField struct {
	name  string
	value *variable.Expression
}

const (
	// longestAuthText bounds a text. One that is longer is never cut: the service would
	// decide about something else.
	longestAuthText = 16 << 10
	// mostAskingOfRoute is how many requests of a route may wait for the service.
	mostAskingOfRoute = 2048
)

// What clients are told when the service cannot decide.
const (
	authBusy    = "Too many requests wait for the service that decides about access."
	authFailed  = "The service that decides about access could not be asked."
	authTimeout = "The service that decides about access took too long."
	authOther   = "The service that decides about access gave no answer that can be understood."
)

func newExternalAuth(s *Settings) (gate, error) {
	a := &s.Filters.ExternalAuth
	if a.URL == "" || s.unasked() {
		return nil, nil
	}
	f := &externalAuth{
		client: &s.Shared.Auth, method: a.Method, unverified: a.Unverified,
		connect: s.ConnectTimeout, within: s.ConnectTimeout + s.ReadTimeout, request: s.RequestTimeout,
		asking: new(atomic.Int64),
	}
	if s.ReadTimeout == 0 {
		f.within = 0
	}
	if f.method == "" {
		f.method = http.MethodGet
	}
	if a.ResponseFields != "" {
		f.wanted = strings.Split(a.ResponseFields, ",")
	}
	_, f.chosenPort = a.OfRequest()
	var err error
	if f.url, err = variable.Compile(a.URL, variable.Request); err != nil {
		return nil, fmt.Errorf("auth-url: %w", err)
	}
	if f.sets, err = s.Shared.authFieldsOf(a); err != nil {
		return nil, err
	}
	if a.SignIn != "" {
		if f.signIn, err = variable.Compile(signInText(a.SignIn, a.RedirectParam), variable.Request); err != nil {
			return nil, fmt.Errorf("auth-signin: %w", err)
		}
	}
	if a.CacheKey != "" {
		if f.key, err = variable.Compile(a.CacheKey, variable.Request); err != nil {
			return nil, fmt.Errorf("auth-cache-key: %w", err)
		}
		if f.durations, err = authrequest.ParseDurations(a.CacheDurations); err != nil {
			return nil, fmt.Errorf("auth-cache-duration: %w", err)
		}
		f.route = strings.Join([]string{
			s.Ingress.Namespace, s.Ingress.Name, s.Host, s.Path, a.Method, a.URL, a.ResponseFields, a.SetFields,
		}, "\x00") + "\x00"
	}
	return f, nil
}

// original is the path and query that the service is asked about. The path is in the
// form that the route was found by and that is forwarded: were it as the client wrote it,
// as in nginx, a service that knows /admin would let /public/../admin pass.
const original = "$uri$is_args$args"

// authFields are the fields that the service gets besides those of the client. Later
// ones take the place of earlier ones.
type authFields struct{ list []authField }

// authFieldsOf makes them. As with linesOf, routes with the same ones share them.
func (s *Shared) authFieldsOf(a *model.ExternalAuth) (*authFields, error) {
	text := strings.Join([]string{a.Method, a.Redirect, a.SetFields}, "\x00")
	return s.asked.get(text, func(string) (*authFields, error) {
		list, err := compileAuthFields(a)
		return &authFields{list}, err
	})
}

func compileAuthFields(a *model.ExternalAuth) ([]authField, error) {
	redirect := a.Redirect
	if redirect == "" {
		redirect = "$request_uri"
	}
	texts := [][2]string{
		{"X-Request-Id", "$req_id"},
		{"X-Original-Url", "$scheme://$http_host" + original},
		{"X-Original-Method", "$request_method"},
		{"X-Sent-From", "nginx-ingress-controller"},
		{"X-Real-Ip", "$remote_addr"},
		{"X-Forwarded-For", "$remote_addr"},
		{"X-Auth-Request-Redirect", redirect},
	}
	if a.Method != "" {
		texts = append(texts, [2]string{"X-Original-Uri", original}, [2]string{"X-Scheme", "$pass_access_scheme"})
	}
	set, err := splitLines(a.SetFields)
	if err != nil {
		return nil, fmt.Errorf("auth-proxy-set-headers: %w", err)
	}
	for _, line := range set {
		texts = append(texts, [2]string{http.CanonicalHeaderKey(line[0]), line[1]})
	}
	fields := make([]authField, 0, len(texts))
	for _, t := range texts {
		value, err := variable.Compile(t[1], variable.Request)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", t[0], err)
		}
		fields = append(fields, authField{t[0], value})
	}
	return fields, nil
}

// signInText is where clients are sent, with the argument that says where they came
// from, unless that is there.
func signInText(text, param string) string {
	if param == "" {
		param = "rd"
	}
	_, query, has := strings.Cut(text, "?")
	for pair := range strings.SplitSeq(query, "&") {
		if value, ok := strings.CutPrefix(pair, param+"="); ok && value != "" {
			return text
		}
	}
	switch {
	case !has:
		text += "?"
	case query != "" && !strings.HasSuffix(query, "&"):
		text += "&"
	}
	return text + param + "=$pass_access_scheme://$http_host$escaped_request_uri"
}

// check implements gate.
func (f *externalAuth) check(ex *message.Exchange, s *State) verdict {
	// What belongs to the client's connection is no concern of others, and of no use
	// any more.
	if err := http11.StripRequest(&ex.Request.Fields); err != nil {
		s.Reply = Reply{Status: 400}
		return refuses
	}
	answer, err := f.ask(ex, s)
	s.Auth = answer
	switch {
	case errors.Is(err, authrequest.ErrBusy):
		s.Reply = Reply{Status: 500, Reason: authBusy}
	case errors.Is(err, context.DeadlineExceeded):
		s.Reply = Reply{Status: 500, Reason: authTimeout}
	case errors.Is(err, context.Canceled) && s.Leaving != nil:
		s.Reply = Reply{} // nobody is there to be told
	case err != nil:
		s.Reply = Reply{Status: 500, Reason: authFailed}
	case answer.Allows():
		return passes
	case answer.Status == http.StatusUnauthorized && f.signIn != nil && f.sendsTo(ex, s):
	case answer.Status == http.StatusUnauthorized:
		s.Reply = Reply{Status: 401, Challenge: answer.Challenge}
	case answer.Status == http.StatusForbidden:
		s.Reply = Reply{Status: 403}
	default:
		s.Reply = Reply{Status: 500, Reason: authOther}
	}
	return refuses
}

// sendsTo makes the answer that sends a client to the sign-in.
func (f *externalAuth) sendsTo(ex *message.Exchange, s *State) bool {
	to, err := f.text(f.signIn, ex, s)
	if err != nil || !http11.ValidFieldValue([]byte(to)) {
		return false
	}
	s.Reply = Reply{Status: 302, Location: []byte(to)}
	return true
}

var errLongText = errors.New("a text for the service is longer than is sound")

// text evaluates an expression.
func (f *externalAuth) text(e *variable.Expression, ex *message.Exchange, s *State) (string, error) {
	if constant, ok := e.Constant(); ok {
		return constant, nil
	}
	var space [512]byte
	c := s.Context(ex)
	b := e.AppendEscaped(space[:0], &c, variable.EscapeNone, longestAuthText+1)
	if len(b) > longestAuthText {
		return "", errLongText
	}
	return string(b), nil
}

// inURL escapes what would end a URL, or its place in a request line. An author cannot
// write it there, so it comes of a value.
var inURL = strings.NewReplacer("#", "%23", " ", "%20")

// ask asks the service.
func (f *externalAuth) ask(ex *message.Exchange, s *State) (*authrequest.Answer, error) {
	if f.asking.Add(1) > mostAskingOfRoute {
		f.asking.Add(-1)
		return nil, authrequest.ErrBusy
	}
	defer f.asking.Add(-1)
	to, err := f.text(f.url, ex, s)
	if err != nil {
		return nil, err
	}
	to = inURL.Replace(to)
	q := authrequest.Question{
		Method: f.method, URL: to, Unverified: f.unverified, Connect: f.connect,
		Wanted: f.wanted, Key: f.cacheKey(ex, s), Durations: f.durations,
	}
	u, err := url.Parse(to)
	if err != nil || f.chosenPort && !usualPort(u.Port(), ex) {
		return nil, authrequest.ErrURL
	}
	q.Host = u.Hostname() // without the port, as in ingress-nginx
	if strings.Contains(q.Host, ":") {
		q.Host = "[" + q.Host + "]"
	}
	if q.Fields, err = f.fields(ex, s); err != nil {
		return nil, err
	}
	if host := q.Fields.Get("Host"); host != "" {
		q.Host = host
		q.Fields.Del("Host")
	}
	ctx, cancel := f.deadline(ex)
	defer cancel()
	if s.Leaving != nil {
		s.Leaving.Hold(cancel)
		defer s.Leaving.Drop()
	}
	return f.client.Ask(ctx, &q)
}

// deadline bounds the time of a question.
func (f *externalAuth) deadline(ex *message.Exchange) (context.Context, context.CancelFunc) {
	within := f.within
	if f.request > 0 {
		left := f.request - time.Since(ex.Start)
		if within == 0 || left < within {
			within = max(left, 1)
		}
	}
	if within == 0 {
		return context.WithCancel(context.Background())
	}
	return context.WithTimeout(context.Background(), within)
}

// usualPort tells whether the port of a service at the request's own host is one that
// the client did not choose: whoever has another port of the host would decide.
func usualPort(port string, ex *message.Exchange) bool {
	return port == "" || port == "80" || port == "443" || port == fmt.Sprint(ex.Local.Port())
}

// cacheKey is the key of the exchange's answer, empty for none. It has a value of the
// request in it: clients without what a key is about have nothing in common.
func (f *externalAuth) cacheKey(ex *message.Exchange, s *State) string {
	if f.key == nil {
		return ""
	}
	var space [512]byte
	c := s.Context(ex)
	key, some := f.key.AppendKey(space[:0], &c, longestAuthText+1)
	if !some || len(key) > longestAuthText {
		return ""
	}
	return f.route + string(key)
}

// withheld are the fields of a client that the service does not get: those of the body
// and of the connection, those that tell of the client and are written anew, and
// conditions, which are about something else (RFC 9110, section 13.1; 14.2).
var withheld = map[string]bool{
	"Content-Length": true, "Expect": true, "Host": true, "Forwarded": true, "Proxy": true,
	"X-Real-Ip": true, "X-Request-Id": true, "X-Scheme": true, "X-Sent-From": true, "X-Auth-Request-Redirect": true,
	"If-Match": true, "If-None-Match": true, "If-Modified-Since": true, "If-Unmodified-Since": true, "If-Range": true, "Range": true,
}

// isWithheld tells whether the service does not get a field of the client. That some
// services believe X-Forwarded-Uri and its like over X-Original-Url is one more reason to
// let no client say it.
func isWithheld(name string) bool {
	return withheld[name] || strings.HasPrefix(name, "X-Forwarded-") || strings.HasPrefix(name, "X-Original-")
}

// loopMark tells that the question came through here (RFC 8586), should the service be
// behind a route that asks it.
const loopMark = "shockwave"

// fields are those of the question.
func (f *externalAuth) fields(ex *message.Exchange, s *State) (http.Header, error) {
	client := &ex.Request.Fields
	h := make(http.Header, client.Len()+len(f.sets.list)+3)
	var cookies []string
	for i := range client.Len() {
		known, name, value, ok := client.At(i)
		if !ok {
			continue
		}
		if known == message.Cookie {
			cookies = append(cookies, string(value)) // HTTP/2 splits it (RFC 9113, section 8.2.3)
			continue
		}
		if key := http.CanonicalHeaderKey(string(name)); !isWithheld(key) {
			h[key] = append(h[key], string(value))
		}
	}
	if cookies != nil {
		h["Cookie"] = []string{strings.Join(cookies, "; ")}
	}
	h["Cdn-Loop"] = append(h["Cdn-Loop"], loopMark)
	for _, set := range f.sets.list {
		switch value, err := f.text(set.value, ex, s); {
		case err != nil:
			return nil, err
		case value != "" && http11.ValidFieldValue(alloc.Bytes(value)):
			h[set.name] = []string{value}
		default:
			delete(h, set.name) // nginx leaves out what is empty
		}
	}
	return h, nil
}

// authAnswer gives the endpoint and the client what the service said.
type authAnswer struct {
	wanted []string
	always bool
}

func newAuthAnswer(s *Settings) (Request, Response, error) {
	a := &s.Filters.ExternalAuth
	if a.URL == "" {
		return nil, nil, nil
	}
	f := &authAnswer{always: a.AlwaysSetCookie}
	if a.ResponseFields == "" {
		return nil, f, nil
	}
	f.wanted = strings.Split(a.ResponseFields, ",")
	return f, f, nil
}

// Request implements Request. It takes the fields of the service away from clients
// also when nobody was asked, because another condition let the request pass.
func (f *authAnswer) Request(ex *message.Exchange, s *State) bool {
	fields := &ex.Request.Fields
	for i, name := range f.wanted {
		fields.DelName(name)
		if s.Auth != nil && s.Auth.Allows() && s.Auth.Fields[i] != "" {
			fields.AddName(name, alloc.Bytes(s.Auth.Fields[i]))
		}
	}
	return true
}

// Response implements Response.
func (f *authAnswer) Response(ex *message.Exchange, s *State) {
	if s.Auth == nil || !f.always && !hasAdded(ex.Response.Status) {
		return
	}
	for _, cookie := range s.Auth.Cookies {
		ex.Response.Fields.Add(message.SetCookie, alloc.Bytes(cookie))
	}
}

// hasAdded tells with which statuses nginx's add_header adds a field
// (https://nginx.org/en/docs/http/ngx_http_headers_module.html).
func hasAdded(status int) bool {
	switch status {
	case 200, 201, 204, 206, 301, 302, 303, 304, 307, 308:
		return true
	}
	return false
}
