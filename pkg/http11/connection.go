package http11

import "github.com/shockwave-ingress/shockwave/pkg/message"

// parseConnectionOptions reads Connection and Upgrade (RFC 9110, sections 7.6.1
// and 7.8): whether the client wants the connection closed, and which protocol it
// asks to switch to. Upgrade is ignored in HTTP/1.0, without the connection option,
// and on a request with a body, whose end another recipient could place elsewhere.
func parseConnectionOptions(req *message.Request) error {
	o, err := connectionOptions(&req.Fields)
	if err != nil {
		return err
	}
	req.Close = o.close || req.Minor == 0 && !o.keepAlive
	if o.upgrade && req.Minor == 1 && req.Body == message.None && req.Fields.Count(message.Upgrade) == 1 {
		req.UpgradeTo, _ = req.Fields.Get(message.Upgrade)
	}
	return nil
}

// options are the connection options that the program knows.
type options struct{ close, keepAlive, upgrade bool }

func connectionOptions(f *message.Fields) (o options, err error) {
	if !f.Has(message.Connection) {
		return o, nil
	}
	for i := range f.Len() {
		n, _, value, ok := f.At(i)
		if !ok || n != message.Connection {
			continue
		}
		for item, rest, ok := nextItem(value); ok; item, rest, ok = nextItem(rest) {
			switch {
			case !isToken(item):
				return o, errConnection
			case message.EqualFold(item, "close"):
				o.close = true
			case message.EqualFold(item, "keep-alive"):
				o.keepAlive = true
			case message.EqualFold(item, "upgrade"):
				o.upgrade = true
			}
		}
	}
	return o, nil
}

// hopByHop are the fields that belong to one connection (RFC 9110, section
// 7.6.1), with those that old clients send in their place. A proxy never passes
// them on; what the next hop needs it writes itself.
var hopByHop = [...]message.Name{
	message.Connection, message.KeepAlive, message.ProxyConnection, message.TE, message.Trailer,
	message.TransferEncoding, message.Upgrade, message.HTTP2Settings,
	message.ProxyAuthenticate, message.ProxyAuthorization, message.Proxy,
}

// guarded are the fields that Connection must not name: who could remove them
// could change where a request goes, how it is framed, or whom it seems to come
// from.
func guarded(n message.Name) bool {
	switch n {
	case message.Host, message.ContentLength, message.TransferEncoding, message.Authorization, message.Cookie,
		message.Forwarded, message.XForwardedFor, message.XForwardedHost, message.XForwardedPort, message.XForwardedProto,
		message.XForwardedScheme, message.XOriginalForwardedFor, message.XOriginalForwardedHost, message.XRealIP,
		message.XRequestID, message.XScheme, message.ContentType, message.SetCookie, message.Date, message.Server,
		message.Location:
		return true
	}
	return false
}

// StripRequest removes from a request what belongs to the connection: the
// hop-by-hop fields and those that Connection nominates. A nomination of a field
// that routing or security rely on is refused with a 400. It must come before a
// proxy adds fields of its own, so that nobody can nominate those.
func StripRequest(f *message.Fields) error { return strip(f, true) }

// StripResponse is StripRequest for a response. It keeps the fields that a
// response must not nominate, and removes the nomination only.
func StripResponse(f *message.Fields) { _ = strip(f, false) }

func strip(f *message.Fields, refuse bool) error {
	if f.Has(message.Connection) {
		if err := stripNominated(f, refuse); err != nil {
			return err
		}
	}
	for _, n := range hopByHop {
		f.Del(n)
	}
	return nil
}

// stripNominated removes the fields that Connection names. The number of
// comparisons is bounded by the limits on a head's fields and bytes.
func stripNominated(f *message.Fields, refuse bool) error {
	for i := range f.Len() {
		n, _, value, ok := f.At(i)
		if !ok || n != message.Connection {
			continue
		}
		for item, rest, ok := nextItem(value); ok; item, rest, ok = nextItem(rest) {
			if message.EqualFold(item, "close") || message.EqualFold(item, "keep-alive") {
				continue
			}
			named := message.LookupName(item)
			if guarded(named) {
				if refuse {
					return errNominated
				}
				continue
			}
			if named == message.Unknown {
				removeUnknown(f, item)
			} else if named != message.Connection {
				f.Del(named)
			}
		}
	}
	return nil
}

func removeUnknown(f *message.Fields, name []byte) {
	for i := range f.Len() {
		if n, b, _, ok := f.At(i); ok && n == message.Unknown && equalFoldToken(b, name) {
			f.Remove(i)
		}
	}
}

// equalFoldToken tells whether a and b are equal without the case of letters.
func equalFoldToken(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}
