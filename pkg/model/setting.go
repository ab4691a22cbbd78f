package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// setting is one setting under the name of its annotation or key, as it is printed
// and as JSON has it. Values are strings, bools, ints and time.Durations.
type setting struct {
	name  string
	value any
}

// text is the printed form of a value.
func (s setting) text() string {
	switch v := s.value.(type) {
	case string:
		if v == "" || strings.ContainsAny(v, " \t\"") {
			return strconv.Quote(v)
		}
		return v
	default:
		return fmt.Sprint(v)
	}
}

// changes lists what differs between two lists of the same settings, each as two
// spaces and name=value.
func changes(is, usual []setting) string {
	var b strings.Builder
	for _, s := range changed(is, usual) {
		b.WriteString("  " + s.name + "=" + s.text())
	}
	return b.String()
}

// changed are those of is that differ from usual, which has the same settings.
func changed(is, usual []setting) (list []setting) {
	for i, s := range is {
		if s.value != usual[i].value {
			list = append(list, s)
		}
	}
	return list
}

// object is settings as a JSON object, in their order.
type object []setting

// MarshalJSON writes durations as Go does.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i, s := range o {
		b.WriteByte("{,"[min(i, 1)])
		value := s.value
		if d, ok := value.(time.Duration); ok {
			value = d.String()
		}
		text, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%q:%s", s.name, text)
	}
	if len(o) == 0 {
		b.WriteByte('{')
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// modeText tells an allocation mode that was asked for together with what chose
// it.
func modeText(mode AllocationMode, from string) string {
	if mode == AllocStandard {
		return ""
	}
	return "  allocation-mode=" + string(mode) + " (" + from + ")"
}

func onOff(b bool) string {
	if b {
		return "on"
	}
	return "off"
}

// settings lists the settings of o but for its allocation mode.
func (o Options) settings() []setting {
	return []setting{
		{"proxy-connect-timeout", o.ConnectTimeout},
		{"proxy-send-timeout", o.SendTimeout},
		{"proxy-read-timeout", o.ReadTimeout},
		{"request-timeout", o.RequestTimeout},
		{"proxy-body-size", o.MaxBodyBytes},
		{"proxy-next-upstream", o.Retry.On.String()},
		{"proxy-next-upstream-tries", o.Retry.Tries},
		{"proxy-next-upstream-timeout", o.Retry.Timeout},
		{"proxy-request-buffering", onOff(o.Buffering.Request)},
		{"client-body-buffer-size", o.Buffering.RequestMemory},
		{"proxy-buffering", onOff(o.Buffering.Response)},
		{"proxy-buffer-memory", o.Buffering.ResponseMemory},
		{"proxy-max-temp-file-size", o.Buffering.ResponseFile},
		{"proxy-buffer-size", o.Buffering.ResponseHead},
		{"enable-access-log", !o.NoAccessLog},
	}
}

// settings lists the settings of p.
func (p Policy) settings() []setting {
	pool, t, b, h := p.Pool, p.Transport, p.Balance, p.Health
	return []setting{
		{"backend-protocol", string(t.Protocol)},
		{"proxy-ssl-verify", onOff(t.TLS.Verify)},
		{"proxy-ssl-verify-depth", t.TLS.Depth},
		{"proxy-ssl-name", t.TLS.ServerName},
		{"proxy-ssl-server-name", onOff(t.TLS.SendName)},
		{"proxy-ssl-authority", t.TLS.Authority},
		{"proxy-ssl-certificate", t.TLS.Certificate},
		{"proxy-ssl-protocols", t.TLS.Protocols},
		{"proxy-ssl-ciphers", t.TLS.Ciphers},
		{"upstream-proxy-protocol", int(t.ProxyProtocol)},
		{"upstream-keepalive-connections", pool.IdleConnections},
		{"upstream-keepalive-timeout", pool.IdleTimeout},
		{"upstream-keepalive-requests", pool.MaxRequests},
		{"upstream-keepalive-time", pool.MaxAge},
		{"upstream-max-connections", pool.MaxConnections},
		{"upstream-max-pending", pool.MaxPending},
		{"upstream-pending-timeout", pool.PendingTimeout},
		{"upstream-prewarm", pool.Prewarm},
		{"load-balance", string(b.Algorithm)},
		{"upstream-hash-by", b.HashBy},
		{"upstream-hash-load", b.HashLoad},
		{"slow-start", b.SlowStart},
		{"session-cookie-name", b.Sticky.Cookie},
		{"affinity-mode", b.Sticky.mode()},
		{"session-cookie-change-on-failure", b.Sticky.ChangeOnFailure},
		{"session-cookie-max-age", b.Sticky.MaxAge},
		{"session-cookie-expires", b.Sticky.Expires},
		{"session-cookie-path", b.Sticky.Path},
		{"session-cookie-domain", b.Sticky.Domain},
		{"session-cookie-samesite", b.Sticky.SameSite},
		{"session-cookie-secure", b.Sticky.Secure.String()},
		{"session-cookie-conditional-samesite-none", b.Sticky.ConditionalSameSite},
		{"upstream-max-failures", h.MaxFailures},
		{"upstream-ejection-time", h.EjectionTime},
		{"upstream-max-ejected", h.MaxEjected},
		{"upstream-max-active", h.MaxActive},
		{"retry-budget", h.RetryBudget},
		{"health-check", string(h.Check.Kind)},
		{"health-check-path", h.Check.Path},
		{"health-check-host", h.Check.Host},
		{"health-check-port", int(h.Check.Port)},
		{"health-check-interval", h.Check.Interval},
		{"health-check-timeout", h.Check.Timeout},
		{"health-check-healthy", h.Check.Healthy},
		{"health-check-unhealthy", h.Check.Unhealthy},
		{"service-upstream", p.ClusterIP},
	}
}

func (s Sticky) mode() string {
	if s.Persistent {
		return "persistent"
	}
	return "balanced"
}

// String is auto, true or false.
func (s Secure) String() string {
	switch s {
	case SecureAlways:
		return "true"
	case SecureNever:
		return "false"
	}
	return "auto"
}

// settings lists the settings of s but for its allocation mode.
func (s Listener) settings() []setting {
	list := []setting{
		{"keep-alive", s.KeepAliveTimeout},
		{"keep-alive-requests", s.KeepAliveRequests},
		{"max-connections", s.MaxConnections},
		{"client-header-timeout", s.HeaderTimeout},
		{"client-body-timeout", s.BodyTimeout},
		{"max-header-bytes", s.MaxHeaderBytes},
		{"max-request-line-bytes", s.MaxLineBytes},
		{"enable-underscores-in-headers", s.Underscores},
		{"ignore-invalid-headers", !s.OddNames},
		{"use-http2", s.HTTP2},
		{"http2-max-concurrent-streams", s.HTTP2Streams},
		{"use-proxy-protocol", s.ProxyProtocol},
		{"proxy-protocol-header-timeout", s.ProxyHeaderTimeout},
		{"proxy-real-ip-cidr", s.TrustedProxies},
		{"ssl-protocols", s.TLS.Protocols},
		{"ssl-ciphers", s.TLS.Ciphers},
		{"ssl-ecdh-curve", s.TLS.Curves},
		{"ssl-session-tickets", s.TLS.Tickets},
		{"enable-ocsp", s.TLS.OCSP},
		{"ssl-reject-handshake", s.TLS.RejectUnknown},
	}
	return slices.Concat(list, s.Forwarded.settings(), s.Log.settings())
}

// settings lists the settings of t.
func (t HostTLS) settings() []setting {
	return []setting{
		{"auth-tls-verify-client", string(t.ClientAuth)},
		{"auth-tls-secret", t.Authority},
		{"auth-tls-verify-depth", t.Depth},
		{"auth-tls-error-page", t.ErrorPage},
		{"auth-tls-match-cn", t.MatchName},
		{"auth-tls-pass-certificate-to-upstream", t.PassCertificate},
		{"use-http2", !t.NoHTTP2},
		{"ssl-ciphers", t.Ciphers},
	}
}

// settings lists the settings of t.
func (t StreamTimeouts) settings() []setting {
	return []setting{
		{"proxy-connect-timeout", t.Connect},
		{"proxy-stream-timeout", t.Idle},
		{"proxy-stream-next-upstream-tries", t.Tries},
		{"proxy-stream-responses", t.Responses},
	}
}
