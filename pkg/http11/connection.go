package http11

import "github.com/shockwave-ingress/shockwave/pkg/message"

// maxOptions is the most connection options of a message. Each may name a field,
// which is then looked for.
const maxOptions = 32

// options are the connection options that have a meaning of their own (RFC 9110,
// section 7.6.1).
type options struct{ close, keepAlive, upgrade bool }

// closes tells whether the sender ends the connection after the message (RFC
// 9112, section 9.3). close wins over keep-alive.
func (o options) closes(minor uint8) bool { return o.close || minor == 0 && !o.keepAlive }

// connectionOptions reads all Connection fields.
func connectionOptions(f *message.Fields) (o options, err error) {
	if !f.Has(message.Connection) {
		return o, nil
	}
	err = eachOption(f, func(option []byte) error {
		switch {
		case message.EqualFold(option, "keep-alive"):
			o.keepAlive = true
		case message.EqualFold(option, "close"):
			o.close = true
		case message.EqualFold(option, "upgrade"):
			o.upgrade = true
		}
		return nil
	})
	return o, err
}

// eachOption calls do for each connection option in order. It fails when one is
// not a token, or there are too many, or do fails.
func eachOption(f *message.Fields, do func(option []byte) error) error {
	count := 0
	for i := f.Index(message.Connection, 0); i >= 0; i = f.Index(message.Connection, i+1) {
		_, _, value, _ := f.At(i)
		for option, rest := nextItem(value); len(option) > 0; option, rest = nextItem(rest) {
			if !ValidFieldName(option) {
				return errConnection
			}
			if count++; count > maxOptions {
				return errOptions
			}
			if err := do(option); err != nil {
				return err
			}
		}
	}
	return nil
}

// parseRequestConnection reads Connection and Upgrade (RFC 9110, sections 7.6.1
// and 7.8): whether the client wants the connection closed, and which protocol it
// asks to switch to. Upgrade is ignored in HTTP/1.0, without its connection
// option, when repeated, and on a request with a body, after which two recipients
// could see the other protocol begin at different places.
func parseRequestConnection(req *message.Request) error {
	o, err := connectionOptions(&req.Fields)
	if err != nil {
		return err
	}
	req.Close = o.closes(req.Minor)
	if o.upgrade && req.Minor > 0 && req.Body == message.None && req.Fields.Count(message.Upgrade) == 1 {
		req.UpgradeTo, _ = req.Fields.Get(message.Upgrade)
	}
	return nil
}

// StripRequest removes from a request what belongs to the connection it came by
// (RFC 9110, section 7.6.1): the fields that Connection names, Connection itself,
// and those that are of one connection although it does not name them: Keep-Alive,
// Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade, HTTP2-Settings, and
// Proxy-Authorization and Proxy-Authenticate, which are meant for us or for
// nobody. What the next hop needs of them its sender writes anew.
//
// A Connection that names a field which routing, framing or security rest on
// fails with an *Error of status 400, and f is then to be discarded. It must run
// before a proxy adds fields of its own, so that nobody can name those.
func StripRequest(f *message.Fields) error { return strip(f, true) }

// StripResponse is StripRequest for a response: an upstream may have any of its
// own fields removed. It fails for a Connection that ParseResponse refuses too.
func StripResponse(f *message.Fields) error { return strip(f, false) }

// hopByHop are the fields that are removed without being named.
var hopByHop = [...]message.Name{
	message.Connection, message.KeepAlive, message.ProxyConnection, message.TE, message.Trailer,
	message.TransferEncoding, message.Upgrade, message.HTTP2Settings,
	message.ProxyAuthenticate, message.ProxyAuthorization,
}

func strip(f *message.Fields, guard bool) (err error) {
	if f.Has(message.Connection) {
		err = eachOption(f, func(option []byte) error {
			n := message.LookupName(option)
			if guard && guarded(n, option) {
				return errNominated
			}
			if n != message.Connection { // which eachOption still reads
				removeNamed(f, n, option)
			}
			return nil
		})
	}
	for _, n := range hopByHop {
		f.Del(n)
	}
	return err
}

// removeNamed removes the fields whose name is spelled so, n when it is known.
func removeNamed(f *message.Fields, n message.Name, spelled []byte) {
	if n != message.Unknown {
		f.Del(n)
		return
	}
	for i := range f.Len() {
		if n, name, _, ok := f.At(i); ok && n == message.Unknown && equalFold(name, spelled) {
			f.Remove(i)
		}
	}
}

// guarded tells whether a client must not name a field in Connection: who could
// have it removed could change where a request goes, how it is framed, or whom it
// seems to come from. An application trusts these because a proxy before us sets
// them.
func guarded(n message.Name, name []byte) bool {
	switch n {
	case message.Host, message.ContentLength, message.ContentType, message.TransferEncoding,
		message.Authorization, message.Cookie, message.Expect,
		message.Forwarded, message.XForwardedFor, message.XForwardedHost, message.XForwardedPort,
		message.XForwardedProto, message.XForwardedScheme,
		message.XOriginalForwardedFor, message.XOriginalForwardedHost,
		message.XRealIP, message.XRequestID, message.XScheme:
		return true
	case message.Unknown:
		for _, prefix := range [...]string{"X-Forwarded-", "X-Original-"} {
			if len(name) > len(prefix) && message.EqualFold(name[:len(prefix)], prefix) {
				return true
			}
		}
	}
	return false
}
