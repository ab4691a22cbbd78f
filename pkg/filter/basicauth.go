package filter

import (
	"bytes"
	"encoding/base64"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/credential"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// basicAuth asks clients for a name and a password (RFC 7617).
type basicAuth struct {
	users     *credential.Users
	verifier  *credential.Verifier
	challenge string
}

func newBasicAuth(s *Settings) (gate, error) {
	if !s.asksUsers() {
		return nil, nil
	}
	return &basicAuth{
		users:     s.Users,
		verifier:  s.Shared.verifier.get(credential.NewVerifier),
		challenge: `Basic realm="` + quoted.Replace(s.Filters.BasicAuth.Realm) + `"`,
	}, nil
}

// quoted escapes a text for a quoted string (RFC 9110, section 5.6.4).
var quoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// asksUsers tells whether the route asks for a name and a password.
func (s *Settings) asksUsers() bool {
	return s.Filters.BasicAuth.Users != "" && !s.unasked()
}

// check implements gate.
func (a *basicAuth) check(ex *message.Exchange, s *State) verdict {
	name, password, ok := credentials(ex)
	if ok {
		switch a.verifier.Verify(a.users, name, password) {
		case credential.Right:
			s.User = name
			return passes
		case credential.Busy:
			s.Reply = Reply{Status: 503}
			ex.Trace.Refusal = "too many passwords to verify"
			return refuses
		}
	}
	s.Reply = Reply{Status: 401, Challenge: a.challenge}
	return refuses
}

const basic = "Basic "

// mostEncoded bounds credentials as they are sent.
const mostEncoded = (credential.MostLength + 3) / 3 * 4

// credentials returns the name and password of a request (RFC 7617, section 2). Of
// several none counts: whoever else looks may take another one.
func credentials(ex *message.Exchange) (name, password []byte, ok bool) {
	f := &ex.Request.Fields
	i := f.Index(message.Authorization, 0)
	if i < 0 || f.Index(message.Authorization, i+1) >= 0 {
		return nil, nil, false
	}
	_, _, value, _ := f.At(i)
	if len(value) <= len(basic) || !message.EqualFold(value[:len(basic)], basic) {
		return nil, nil, false
	}
	encoded := bytes.Trim(value[len(basic):], " ")
	if len(encoded) > mostEncoded {
		return nil, nil, false
	}
	plain := ex.Mem.Alloc(base64.StdEncoding.DecodedLen(len(encoded)))
	n, err := base64.StdEncoding.Decode(plain, encoded)
	if err != nil {
		return nil, nil, false
	}
	return bytes.Cut(plain[:n], []byte{':'})
}
