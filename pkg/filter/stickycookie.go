package filter

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// Cookie is what keeps a client at an endpoint: its value is KEY|TOKEN, where the
// key is random and the client's own, and the token names the endpoint. Without a
// cookie of that form the client gets one.
type Cookie struct {
	// Key is the client's, from its cookie or new: 32 hexadecimal digits.
	Key [keyLength]byte
	// Token is that of the endpoint in the client's cookie, empty without one. It is a
	// view of the request.
	Token []byte
	// Endpoint is the token of the endpoint that the client is to be told, empty when
	// the cookie that it has is right.
	Endpoint string
}

const (
	keyLength   = 32
	tokenLength = 16
)

func (c *Cookie) reset() { c.Token, c.Endpoint = nil, "" }

// Hash is a hash of the client's key (FNV-1a), the same in every process.
func (c *Cookie) Hash() uint64 {
	h := uint64(14695981039346656037)
	for _, b := range c.Key {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return h
}

// stickyCookie reads the cookie of a request and sets that of its response.
type stickyCookie struct {
	name       string
	attributes string // "; Path=/; …", but for Expires, Secure and SameSite
	expires    time.Duration
	sameSite   string
	relaxed    bool // SameSite=None is left out for some clients
	secure     model.Secure
}

func newStickyCookie(s *Settings) (Request, Response, error) {
	c := &s.Sticky
	if c.Cookie == "" {
		return nil, nil, nil
	}
	f := &stickyCookie{
		name: c.Cookie, expires: time.Duration(c.Expires) * time.Second,
		sameSite: c.SameSite, relaxed: c.ConditionalSameSite, secure: c.Secure,
	}
	path := c.Path
	if path == "" && !s.Pattern { // which would be no path of a client's request
		path = s.Path
	}
	if path == "" {
		path = "/"
	}
	f.attributes = "; Path=" + path
	if c.Domain != "" {
		f.attributes += "; Domain=" + c.Domain
	}
	if c.MaxAge != 0 {
		f.attributes += "; Max-Age=" + strconv.Itoa(c.MaxAge)
	}
	f.attributes += "; HttpOnly"
	return f, f, nil
}

// Request implements Request: it takes key and token from the client's cookie, or
// makes a key.
func (f *stickyCookie) Request(ex *message.Exchange, s *State) bool {
	c := &s.Sticky
	value := CookieValue(&ex.Request.Fields, f.name)
	key, token, ok := bytes.Cut(value, []byte{'|'})
	if ok && len(key) == keyLength && len(token) == tokenLength && isHex(key) && isHex(token) {
		copy(c.Key[:], key)
		c.Token = token
		return true
	}
	c.Token = nil
	var raw [keyLength / 2]byte
	for i := range raw {
		raw[i] = byte(rand.Uint32()) //nolint:gosec // it spreads clients, and protects nothing
	}
	hex.Encode(c.Key[:], raw[:])
	return true
}

// Response implements Response: it tells the client its endpoint when that is news.
func (f *stickyCookie) Response(ex *message.Exchange, s *State) {
	c := &s.Sticky
	if c.Endpoint == "" || s.Own {
		return
	}
	var space [512]byte
	b := append(space[:0], f.name...)
	b = append(b, '=')
	b = append(b, c.Key[:]...)
	b = append(b, '|')
	b = append(b, c.Endpoint...)
	if f.expires != 0 {
		b = append(b, "; Expires="...)
		b = ex.Start.Add(f.expires).UTC().AppendFormat(b, "Mon, 02 Jan 2006 15:04:05 GMT")
	}
	b = append(b, f.attributes...)
	secure := f.secure == model.SecureAlways || f.secure == model.SecureAuto && s.HTTPS(ex)
	if secure {
		b = append(b, "; Secure"...)
	}
	if f.sameSite != "" && !(f.relaxed && f.sameSite == "None" && refusesNone(&ex.Request.Fields)) {
		b = append(b, "; SameSite="...)
		b = append(b, f.sameSite...)
	}
	ex.Response.Fields.Add(message.SetCookie, b)
}

// CookieValue returns the value of the first cookie of that name (RFC 6265, section
// 4.2.1), nil for none.
func CookieValue(f *message.Fields, name string) []byte {
	for i := f.Index(message.Cookie, 0); i >= 0; i = f.Index(message.Cookie, i+1) {
		_, _, rest, _ := f.At(i)
		for len(rest) > 0 {
			var pair []byte
			pair, rest, _ = bytes.Cut(rest, []byte{';'})
			key, value, ok := bytes.Cut(bytes.TrimSpace(pair), []byte{'='})
			if ok && string(key) == name {
				return value
			}
		}
	}
	return nil
}

func isHex(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// refusesNone tells whether the client is one of those that refuse a cookie with
// SameSite=None, or take it for Strict: the browsers of iOS 12, Safari on macOS
// 10.14, Chrome 51 to 66 (the list of ingress-nginx:
// rootfs/etc/nginx/lua/util/same_site.lua).
func refusesNone(f *message.Fields) bool {
	agent, ok := f.Get(message.UserAgent)
	if !ok {
		return false
	}
	switch {
	case bytes.Contains(agent, []byte("(iP")) && bytes.Contains(agent, []byte("OS 12_")):
		return true
	case bytes.Contains(agent, []byte("Mac OS X 10_14")) && bytes.Contains(agent, []byte("Version/")) && bytes.Contains(agent, []byte("Safari")):
		return true
	}
	_, rest, ok := bytes.Cut(agent, []byte("Chrome/"))
	if !ok || len(rest) < 3 || rest[2] != '.' {
		return false
	}
	version := 10*int(rest[0]-'0') + int(rest[1]-'0')
	return version >= 51 && version <= 66
}
