package variable

import "strings"

// Set says which variables a text may have.
type Set uint8

// The sets. Each has all of those before it.
const (
	// Request are the variables that have a value before a response exists.
	Request Set = iota
	// Log are all variables: for texts about an exchange that has ended.
	Log
)

// Variable is a row of the Table.
type Variable struct {
	// Name is the variable's, without the $. Where it ends in NAME, that part stands
	// for the name of a field, an argument or a cookie.
	Name string
	// Known is the first set that the variable is in.
	Known Set
	// Source is where the value comes from.
	Source Source
	// Help says what the value is. It is the text of the reference.
	Help string

	id id
}

// Source is where the value of a variable comes from.
type Source string

// The sources, in the order of the reference.
const (
	FromRequest    Source = "The request"
	FromConnection Source = "The connection"
	FromTLS        Source = "TLS"
	FromRoute      Source = "The route"
	FromResponse   Source = "The response"
	FromAttempts   Source = "The attempts to reach an endpoint"
	FromProcess    Source = "Time and process"
)

// Sources lists the sources.
var Sources = []Source{FromRequest, FromConnection, FromTLS, FromRoute, FromResponse, FromAttempts, FromProcess}

// id says which variable a part of an expression is.
type id uint8

const (
	literal id = iota
	missing    // a variable that does not exist, or never has a value

	args
	argNAME
	bestHTTPHost
	contentLength
	contentType
	cookieNAME
	escapedRequestURI
	host
	httpNAME
	httpHost
	http2
	isArgs
	proxyAddXForwardedFor
	remoteUser
	request
	requestID
	requestLength
	requestMethod
	requestURI
	serverProtocol
	uri

	binaryRemoteAddr
	connection
	connectionRequests
	https
	passAccessScheme
	passServerPort
	pipe
	proxyProtocolAddr
	proxyProtocolPort
	proxyProtocolServerAddr
	proxyProtocolServerPort
	realIPRemoteAddr
	realIPRemotePort
	remoteAddr
	remotePort
	scheme
	serverAddr
	serverPort

	sslALPNProtocol
	sslCipher
	sslClientEscapedCert
	sslClientFingerprint
	sslClientIDN
	sslClientSDN
	sslClientSerial
	sslClientVerify
	sslCurve
	sslProtocol
	sslServerName
	sslSessionReused

	ingressName
	locationPath
	namespace
	proxyAlternativeUpstreamName
	proxyUpstreamName
	serverName
	serviceName
	servicePort

	bodyBytesSent
	bytesSent
	requestCompletion
	requestTime
	sentHTTPNAME
	sentHTTPContentLength
	status

	upstreamAddr
	upstreamConnectTime
	upstreamHeaderTime
	upstreamResponseLength
	upstreamResponseTime
	upstreamStatus

	hostname
	msec
	pid
	timeISO8601
	timeLocal
)

// Table lists all variables.
var Table = []Variable{
	{"args", Request, FromRequest, "The query: what follows the first ? of the request target, as received.", args},
	{"arg_NAME", Request, FromRequest, "The value of the first argument of that name in the query, in any case, as received.", argNAME},
	{"best_http_host", Request, FromRequest, "The host that a trusted proxy in front told, else $http_host.", bestHTTPHost},
	{"content_length", Request, FromRequest, "The length of the request's body that the client announced.", contentLength},
	{"content_type", Request, FromRequest, "The field Content-Type of the request.", contentType},
	{"cookie_NAME", Request, FromRequest, "The value of the first cookie of that name, in any case.", cookieNAME},
	{"document_uri", Request, FromRequest, "The same as $uri.", uri},
	{"escaped_request_uri", Request, FromRequest, "$request_uri, escaped so that it can be the value of an argument.", escapedRequestURI},
	{"host", Request, FromRequest, "The host of the request in lower case, without port; without one, $server_name.", host},
	{"http2", Request, FromRequest, "h2 for HTTP/2 over TLS, h2c for HTTP/2 without TLS, empty otherwise.", http2},
	{"http_NAME", Request, FromRequest, "The field of that name of the request, with _ in place of -. Fields that are repeated are joined.", httpNAME},
	{"http_host", Request, FromRequest, "The host of the request as received, with its port.", httpHost},
	{"is_args", Request, FromRequest, "? when there is a query, empty otherwise.", isArgs},
	{"proxy_add_x_forwarded_for", Request, FromRequest, "The field X-Forwarded-For of the request with $remote_addr appended.", proxyAddXForwardedFor},
	{"query_string", Request, FromRequest, "The same as $args.", args},
	{"remote_user", Request, FromRequest, "The user that was authenticated; without authentication, the one in the request's Basic credentials, which nobody has verified.", remoteUser},
	{"req_id", Request, FromRequest, "The field X-Request-ID of the request, or a random value without one.", requestID},
	{"request", Request, FromRequest, "The request line.", request},
	{"request_id", Request, FromRequest, "The same as $req_id.", requestID},
	{"request_length", Log, FromRequest, "Bytes of the request, head and body.", requestLength},
	{"request_method", Request, FromRequest, "The method.", requestMethod},
	{"request_uri", Request, FromRequest, "The request target, path and query, as received.", requestURI},
	{"server_protocol", Request, FromRequest, "HTTP/1.0, HTTP/1.1 or HTTP/2.0.", serverProtocol},
	{"uri", Request, FromRequest, "The path in the form that routes are found by: dot segments are removed, and unreserved characters are decoded, others not.", uri},

	{"binary_remote_addr", Request, FromConnection, "The client's address as 4 or 16 bytes.", binaryRemoteAddr},
	{"connection", Request, FromConnection, "The number of the connection, which counts from 1.", connection},
	{"connection_requests", Request, FromConnection, "How many requests the connection has carried, with this one.", connectionRequests},
	{"https", Request, FromConnection, "on for TLS, empty otherwise.", https},
	{"pass_access_scheme", Request, FromConnection, "The scheme that a trusted proxy in front told, else $scheme.", passAccessScheme},
	{"pass_port", Request, FromConnection, "The same as $pass_server_port.", passServerPort},
	{"pass_server_port", Request, FromConnection, "The port that a trusted proxy in front told, else $server_port.", passServerPort},
	{"pipe", Log, FromConnection, "p for a request that had arrived before the response to the one before it was sent, . otherwise. That is not recorded: it is always the latter.", pipe},
	{"proxy_protocol_addr", Request, FromConnection, "The client's address in the PROXY header, where connections begin with one.", proxyProtocolAddr},
	{"proxy_protocol_port", Request, FromConnection, "The client's port in the PROXY header.", proxyProtocolPort},
	{"proxy_protocol_server_addr", Request, FromConnection, "The address in the PROXY header that the client connected to.", proxyProtocolServerAddr},
	{"proxy_protocol_server_port", Request, FromConnection, "The port in the PROXY header that the client connected to.", proxyProtocolServerPort},
	{"realip_remote_addr", Request, FromConnection, "The address that the connection came from, where $remote_addr is what a trusted proxy told; else the same.", realIPRemoteAddr},
	{"realip_remote_port", Request, FromConnection, "The port that belongs to $realip_remote_addr.", realIPRemotePort},
	{"remote_addr", Request, FromConnection, "The client's address.", remoteAddr},
	{"remote_port", Request, FromConnection, "The client's port.", remotePort},
	{"scheme", Request, FromConnection, "http or https.", scheme},
	{"server_addr", Request, FromConnection, "The address that the client connected to.", serverAddr},
	{"server_port", Request, FromConnection, "The port that the client connected to.", serverPort},
	{"the_real_ip", Request, FromConnection, "The same as $remote_addr.", remoteAddr},

	{"ssl_alpn_protocol", Request, FromTLS, "The protocol that was agreed on by ALPN, such as h2.", sslALPNProtocol},
	{"ssl_cipher", Request, FromTLS, "The cipher suite, with OpenSSL's name.", sslCipher},
	{"ssl_client_escaped_cert", Request, FromTLS, "The client's certificate in PEM, escaped as in a URL, where it is passed on.", sslClientEscapedCert},
	{"ssl_client_fingerprint", Request, FromTLS, "The SHA-1 hash of the client's certificate.", sslClientFingerprint},
	{"ssl_client_i_dn", Request, FromTLS, "The issuer of the client's certificate (RFC 2253).", sslClientIDN},
	{"ssl_client_s_dn", Request, FromTLS, "The subject of the client's certificate (RFC 2253).", sslClientSDN},
	{"ssl_client_serial", Request, FromTLS, "The serial number of the client's certificate.", sslClientSerial},
	{"ssl_client_verify", Request, FromTLS, "SUCCESS, FAILED: with a reason, or NONE without a certificate of the client.", sslClientVerify},
	{"ssl_curve", Request, FromTLS, "The group that keys were agreed on with, such as X25519MLKEM768.", sslCurve},
	{"ssl_early_data", Log, FromTLS, "Always absent: no early data is accepted.", missing},
	{"ssl_protocol", Request, FromTLS, "TLSv1.2 or TLSv1.3.", sslProtocol},
	{"ssl_server_name", Request, FromTLS, "The name that the client asked for in the handshake (SNI).", sslServerName},
	{"ssl_session_id", Log, FromTLS, "Always absent: sessions are resumed by tickets, which have no id.", missing},
	{"ssl_session_reused", Request, FromTLS, "r when the session was resumed, . otherwise.", sslSessionReused},

	{"ingress_name", Request, FromRoute, "The name of the Ingress.", ingressName},
	{"location_path", Request, FromRoute, "The path of the rule.", locationPath},
	{"namespace", Request, FromRoute, "The namespace of the Ingress.", namespace},
	{"proxy_alternative_upstream_name", Request, FromRoute, "The upstream that took the exchange in place of the rule's, as a canary does; empty otherwise.", proxyAlternativeUpstreamName},
	{"proxy_host", Request, FromRoute, "The same as $proxy_upstream_name.", proxyUpstreamName},
	{"proxy_upstream_name", Request, FromRoute, "The rule's upstream: namespace-service-port.", proxyUpstreamName},
	{"server_name", Request, FromRoute, "The host of the rule, such as *.shop.example.", serverName},
	{"service_name", Request, FromRoute, "The name of the Service.", serviceName},
	{"service_port", Request, FromRoute, "The port of the Service, as in the Ingress.", servicePort},

	{"body_bytes_sent", Log, FromResponse, "Bytes of the response's body.", bodyBytesSent},
	{"bytes_sent", Log, FromResponse, "Bytes of the response.", bytesSent},
	{"gzip_ratio", Log, FromResponse, "Always absent: responses are not compressed here.", missing},
	{"request_completion", Log, FromResponse, "OK when a response was sent whole, empty otherwise.", requestCompletion},
	{"request_time", Log, FromResponse, "Seconds from the request's first byte to the response's last.", requestTime},
	{"sent_http_NAME", Log, FromResponse, "The field of that name of the response, with _ in place of -. Fields that are repeated are joined. Those of the connection, such as Transfer-Encoding, cannot be had.", sentHTTPNAME},
	{"sent_http_content_length", Log, FromResponse, "The length of the response's body that was announced.", sentHTTPContentLength},
	{"status", Log, FromResponse, "The status sent, 499 when there was no response.", status},

	{"upstream_addr", Log, FromAttempts, "Address and port of the endpoints tried.", upstreamAddr},
	{"upstream_cache_status", Log, FromAttempts, "Always absent: nothing is cached.", missing},
	{"upstream_connect_time", Log, FromAttempts, "Seconds until there was a connection, 0.000 for one that was kept.", upstreamConnectTime},
	{"upstream_header_time", Log, FromAttempts, "Seconds until the head of the response was there.", upstreamHeaderTime},
	{"upstream_response_length", Log, FromAttempts, "Bytes of the body of the response.", upstreamResponseLength},
	{"upstream_response_time", Log, FromAttempts, "Seconds until the last byte of the response.", upstreamResponseTime},
	{"upstream_status", Log, FromAttempts, "Status of the response.", upstreamStatus},

	{"hostname", Request, FromProcess, "The name of the machine: the pod's.", hostname},
	{"msec", Request, FromProcess, "The present time in seconds since 1970, to the millisecond.", msec},
	{"pid", Request, FromProcess, "The process's id.", pid},
	{"time_iso8601", Request, FromProcess, "The present local time, such as 2026-03-14T15:09:26+01:00.", timeISO8601},
	{"time_local", Request, FromProcess, "The present local time, such as 14/Mar/2026:15:09:26 +0100.", timeLocal},
}

// anyName is how names end that stand for many.
const anyName = "NAME"

// byName finds rows by the whole name.
var byName = func() map[string]*Variable {
	m := make(map[string]*Variable, len(Table))
	for i := range Table {
		if v := &Table[i]; !strings.HasSuffix(v.Name, anyName) {
			m[v.Name] = v
		}
	}
	return m
}()

// byPrefix are the rows whose names stand for many.
var byPrefix = func() (list []*Variable) {
	for i := range Table {
		if v := &Table[i]; strings.HasSuffix(v.Name, anyName) {
			list = append(list, v)
		}
	}
	return list
}()

// find returns the row of a name in lower case, and the part of the name that NAME
// stands for. It is nil for a name that does not exist.
func find(name string) (v *Variable, rest string) {
	if v := byName[name]; v != nil {
		return v, ""
	}
	for _, v := range byPrefix {
		if rest, ok := strings.CutPrefix(name, strings.TrimSuffix(v.Name, anyName)); ok && rest != "" {
			return v, rest
		}
	}
	return nil, ""
}

// suggest returns the name that is nearest to one that does not exist, "" when none
// is near.
func suggest(name string) string {
	const longest = 40 // bounds the work; no name in the Table is longer
	if len(name) > longest {
		return ""
	}
	best, least := "", 2+len(name)/4 // fewer edits than that
	for i := range Table {
		if v := &Table[i]; byName[v.Name] != nil {
			if n := edits(name, v.Name); n < least {
				best, least = v.Name, n
			}
		}
	}
	return best
}

// edits counts the letters that have to be put in, taken out or replaced to make b
// of a (the Levenshtein distance).
func edits(a, b string) int {
	row := make([]int, len(b)+1) // for the part of a that was seen: to each beginning of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
