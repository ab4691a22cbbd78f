package message

// Name identifies a field name that the program knows, so that it is compared
// once, when it is parsed. Unknown stands for all others.
type Name uint8

// The known field names.
const (
	Unknown Name = iota
	Accept
	Authorization
	CDNLoop
	Connection
	ContentLength
	ContentType
	Cookie
	Date
	Expect
	Forwarded
	Host
	HTTP2Settings
	KeepAlive
	Location
	Proxy
	ProxyAuthenticate
	ProxyAuthorization
	ProxyConnection
	Referer
	Server
	SetCookie
	TE
	Trailer
	TransferEncoding
	Upgrade
	UserAgent
	XForwardedFor
	XForwardedHost
	XForwardedPort
	XForwardedProto
	XForwardedScheme
	XOriginalForwardedFor
	XOriginalForwardedHost
	XRealIP
	XRequestID
	XScheme
	names
)

var spelled = [names]string{
	Accept:                 "Accept",
	Authorization:          "Authorization",
	CDNLoop:                "CDN-Loop",
	Connection:             "Connection",
	ContentLength:          "Content-Length",
	ContentType:            "Content-Type",
	Cookie:                 "Cookie",
	Date:                   "Date",
	Expect:                 "Expect",
	Forwarded:              "Forwarded",
	Host:                   "Host",
	HTTP2Settings:          "HTTP2-Settings",
	KeepAlive:              "Keep-Alive",
	Location:               "Location",
	Proxy:                  "Proxy",
	ProxyAuthenticate:      "Proxy-Authenticate",
	ProxyAuthorization:     "Proxy-Authorization",
	ProxyConnection:        "Proxy-Connection",
	Referer:                "Referer",
	Server:                 "Server",
	SetCookie:              "Set-Cookie",
	TE:                     "TE",
	Trailer:                "Trailer",
	TransferEncoding:       "Transfer-Encoding",
	Upgrade:                "Upgrade",
	UserAgent:              "User-Agent",
	XForwardedFor:          "X-Forwarded-For",
	XForwardedHost:         "X-Forwarded-Host",
	XForwardedPort:         "X-Forwarded-Port",
	XForwardedProto:        "X-Forwarded-Proto",
	XForwardedScheme:       "X-Forwarded-Scheme",
	XOriginalForwardedFor:  "X-Original-Forwarded-For",
	XOriginalForwardedHost: "X-Original-Forwarded-Host",
	XRealIP:                "X-Real-IP",
	XRequestID:             "X-Request-ID",
	XScheme:                "X-Scheme",
}

// String is the usual spelling of n, or "" for Unknown.
func (n Name) String() string {
	if n < names {
		return spelled[n]
	}
	return ""
}

// slots finds the only known name that bytes with a hash can spell. A test
// notices when a new name shares the slot of another; other factors in hashName
// then separate them.
var slots = func() (t [256]Name) {
	for n := Unknown + 1; n < names; n++ {
		t[hashName([]byte(spelled[n]))] = n
	}
	return t
}()

// hashName takes the length, the first byte and the last but one of b, which has
// at least two, without the case of letters.
func hashName(b []byte) uint8 {
	return uint8(len(b)) + 8*(b[0]|0x20) + 4*(b[len(b)-2]|0x20)
}

// LookupName returns the known name that b spells in any case, or Unknown.
func LookupName(b []byte) Name {
	if len(b) < 2 {
		return Unknown
	}
	if n := slots[hashName(b)]; EqualFold(b, spelled[n]) {
		return n
	}
	return Unknown // also for an empty slot, since b is not empty
}

// Fields has a bit for each name in a uint64.
var _ [64 - names]struct{}

// EqualFold tells whether b and s are equal when the case of ASCII letters is
// ignored, as field names are compared (RFC 9110, section 5.1).
func EqualFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	if string(b) == s {
		return true
	}
	for i := range b {
		if b[i] != s[i] && Lower(b[i]) != Lower(s[i]) {
			return false
		}
	}
	return true
}

// Lower is c in lower case, when it is an ASCII letter.
func Lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
