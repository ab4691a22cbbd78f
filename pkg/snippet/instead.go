package snippet

import (
	"strconv"
	"strings"
)

// product is a number, written in digits, times factor.
func product(digits string, factor int) string {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return digits
	}
	return strconv.Itoa(n * factor)
}

// cors are the fields of responses that the annotations cors-* set.
var cors = map[string]string{
	"access-control-allow-origin":      "cors-allow-origin",
	"access-control-allow-methods":     "cors-allow-methods",
	"access-control-allow-headers":     "cors-allow-headers",
	"access-control-expose-headers":    "cors-expose-headers",
	"access-control-allow-credentials": "cors-allow-credentials",
	"access-control-max-age":           "cors-max-age",
}

// insteadResponse is for directives that set or remove fields of responses.
func insteadResponse(d *Directive) string {
	var parts []string
	for _, f := range responseFields(d) {
		name := strings.ToLower(f.name)
		switch {
		case f.value == "":
			parts = append(parts, "key hide-headers of the ConfigMap: "+quote(f.name))
		case cors[name] != "":
			parts = append(parts, `annotations enable-cors: "true" and `+cors[name]+": "+quote(f.value))
		case name == "strict-transport-security":
			parts = append(parts, "keys hsts, hsts-max-age, hsts-include-subdomains and hsts-preload of the ConfigMap")
		case strings.Contains(f.value, "$"):
			return "" // a ConfigMap of fields has no variables
		default:
			parts = append(parts, "annotation custom-headers, with "+f.name+": "+quote(f.value)+
				" in its ConfigMap and "+f.name+" in global-allowed-response-headers (or add-headers, for all Ingresses)")
		}
	}
	return strings.Join(parts, "; ")
}

type field struct{ name, value string }

// responseFields are the fields that a directive sets, without a value where it
// removes them.
func responseFields(d *Directive) []field {
	var list []field
	switch d.Name {
	case "add_header":
		if len(d.Args) >= 2 {
			list = append(list, field{d.Args[0], d.Args[1]})
		}
	case "proxy_hide_header", "more_clear_headers":
		for _, name := range options(d.Args) {
			list = append(list, field{strings.TrimSuffix(strings.TrimSpace(name), ":"), ""})
		}
	default:
		for _, arg := range options(d.Args) {
			name, value, _ := strings.Cut(arg, ":")
			list = append(list, field{strings.TrimSpace(name), strings.TrimSpace(value)})
		}
	}
	return list
}

// options are arguments without switches such as -s 404.
func options(args []string) []string {
	var rest []string
	for i := 0; i < len(args); i++ {
		switch args[i] {
		case "-s", "-t":
			i++
		case "-a", "-r":
		default:
			rest = append(rest, args[i])
		}
	}
	return rest
}

// forwarded are the fields of requests that the proxy writes by itself, and what
// governs them.
var forwarded = map[string]string{
	"x-real-ip":         "nothing: X-Real-IP is always sent",
	"x-forwarded-for":   "nothing: X-Forwarded-For is always sent (see use-forwarded-headers and compute-full-forwarded-for)",
	"x-forwarded-proto": "nothing: X-Forwarded-Proto is always sent (see use-forwarded-headers)",
	"x-forwarded-host":  "nothing: X-Forwarded-Host is always sent (see use-forwarded-headers)",
	"x-forwarded-port":  "nothing: X-Forwarded-Port is always sent (see use-forwarded-headers)",
	"x-request-id":      "nothing: X-Request-ID is always sent (see generate-request-id)",
	"upgrade":           "nothing: upgrades such as WebSocket always work",
	"connection":        "nothing: upgrades such as WebSocket always work (or annotation connection-proxy-header)",
}

// insteadRequest is for directives that set fields of requests.
func insteadRequest(d *Directive) string {
	var fields []field
	if d.Name == "more_set_input_headers" {
		for _, arg := range options(d.Args) {
			name, value, _ := strings.Cut(arg, ":")
			fields = append(fields, field{strings.TrimSpace(name), strings.TrimSpace(value)})
		}
	} else if len(d.Args) >= 2 {
		fields = append(fields, field{d.Args[0], d.Args[1]})
	}
	var parts []string
	for _, f := range fields {
		switch name := strings.ToLower(f.name); {
		case name == "host":
			parts = append(parts, "annotation upstream-vhost: "+quote(f.value))
		case name == "x-forwarded-prefix":
			parts = append(parts, "annotation x-forwarded-prefix: "+quote(f.value))
		case forwarded[name] != "":
			parts = append(parts, forwarded[name])
		case strings.HasPrefix(name, "ssl-client-") || strings.Contains(f.value, "$ssl_client_"):
			parts = append(parts, `annotation auth-tls-pass-certificate-to-upstream: "true", which sends ssl-client-*`)
		case strings.HasPrefix(f.value, "$upstream_http_") || strings.HasPrefix(f.value, "$auth_resp_"):
			parts = append(parts, "annotation auth-response-headers, with the field of the service's answer")
		default:
			parts = append(parts, "key proxy-set-headers of the ConfigMap, whose ConfigMap has "+f.name+": "+quote(f.value)+" (for all Ingresses)")
		}
	}
	return strings.Join(parts, "; ")
}

// insteadReturn is for return CODE [TEXT] and return URL.
func insteadReturn(d *Directive) string {
	if len(d.Args) == 0 {
		return ""
	}
	code, target := d.Args[0], ""
	if len(d.Args) > 1 {
		target = d.Args[1]
	}
	switch code {
	case "301", "308":
		return redirect("permanent-redirect", code, "301", target)
	case "302", "303", "307":
		return redirect("temporal-redirect", code, "302", target)
	case "403", "401", "404", "444":
		return `annotation denylist-source-range: "0.0.0.0/0,::/0", which answers 403; or no path in an Ingress, which answers 404`
	}
	if strings.HasPrefix(code, "http") {
		return redirect("temporal-redirect", "302", "302", code)
	}
	return ""
}

// redirect names the annotations of a redirect. Those have no variables; the usual
// ones that add the path have settings of their own.
func redirect(name, code, usual, target string) string {
	switch {
	case strings.HasPrefix(target, "https://$host") || strings.HasPrefix(target, "https://$server_name") || strings.HasPrefix(target, "https://$http_host"):
		return `annotation force-ssl-redirect: "true"`
	case strings.Contains(target, "$"):
		base, _, _ := strings.Cut(target, "$")
		if strings.HasPrefix(base, "http") && strings.Contains(strings.TrimPrefix(base, "https://"), ".") {
			return "annotation rewrite-target with a URL: " + quote(strings.TrimSuffix(base, "/")+"/$1") + ", and a path such as /(.*), which answers 302"
		}
		return ""
	}
	text := "annotation " + name + ": " + quote(target)
	if code != usual {
		text += " and " + name + "-code: " + quote(code)
	}
	return text
}

// insteadRewrite is for rewrite REGEX TARGET [FLAG].
func insteadRewrite(d *Directive) string {
	if len(d.Args) < 2 {
		return ""
	}
	pattern, target, flag := d.Args[0], d.Args[1], ""
	if len(d.Args) > 2 {
		flag = d.Args[2]
	}
	absolute := strings.HasPrefix(target, "http://") || strings.HasPrefix(target, "https://")
	switch {
	case strings.HasPrefix(target, "https://$host$"), strings.HasPrefix(target, "https://$http_host$"):
		return `annotation force-ssl-redirect: "true"`
	case (pattern == "^/$" || pattern == "^/?$") && strings.HasPrefix(target, "/") && !strings.Contains(target, "$") && (flag == "redirect" || flag == "permanent"):
		return "annotation app-root: " + quote(target) + ", which answers 302"
	case flag == "permanent" && absolute && !strings.Contains(target, "$"):
		return "an Ingress for the path, with annotation permanent-redirect: " + quote(target)
	case (flag == "redirect" || absolute) && !strings.Contains(target, "$"):
		return "an Ingress for the path, with annotation temporal-redirect: " + quote(target)
	case absolute:
		return "an Ingress with the path " + quote(strings.TrimPrefix(pattern, "^")) + ", use-regex: \"true\" and rewrite-target: " + quote(target) + ", which answers 302"
	case flag == "redirect" || flag == "permanent":
		return "" // a redirect to another path of the same host, made of the request
	}
	return "an Ingress with the path " + quote(strings.TrimPrefix(pattern, "^")) + ", use-regex: \"true\" and rewrite-target: " + quote(target)
}

// insteadAccess is for deny and allow.
func insteadAccess(d *Directive) string {
	if len(d.Args) == 0 {
		return ""
	}
	who := d.Args[0]
	switch {
	case d.Name == "deny" && who == "all":
		return "annotation allowlist-source-range, with the addresses that are allowed (denylist-source-range: \"0.0.0.0/0,::/0\" if none is)"
	case d.Name == "deny":
		return "annotation denylist-source-range: " + quote(who)
	case who == "all":
		return "nothing: addresses that are not denied are allowed"
	}
	return "annotation allowlist-source-range: " + quote(who)
}

// insteadIf is for what stands in an if.
func insteadIf(d *Directive, condition string) string {
	refuses := d.Name == "deny" || d.Name == "return" && len(d.Args) > 0 &&
		(strings.HasPrefix(d.Args[0], "4") || strings.HasPrefix(d.Args[0], "5"))
	variable, rest, _ := strings.Cut(condition, " ")
	operator, pattern, _ := strings.Cut(rest, " ")
	if operator == "~*" {
		pattern = "~*" + pattern
	} else if operator == "~" {
		pattern = "~" + pattern
	}
	switch {
	case refuses && variable == "$http_user_agent" && operator != "!=" && !strings.HasPrefix(operator, "!"):
		return "key block-user-agents of the ConfigMap: " + quote(pattern) + " (for all Ingresses)"
	case refuses && variable == "$http_referer" && !strings.HasPrefix(operator, "!"):
		return "key block-referers of the ConfigMap: " + quote(pattern) + " (for all Ingresses)"
	case refuses && variable == "$remote_addr" && operator == "=":
		return "annotation denylist-source-range: " + quote(pattern)
	case variable == "$ssl_client_s_dn" && refuses && operator == "!~":
		return "annotation auth-tls-match-cn"
	case (variable == "$scheme" || variable == "$http_x_forwarded_proto") && (d.Name == "return" || d.Name == "rewrite"):
		return `annotation force-ssl-redirect: "true" (and key use-forwarded-headers behind a proxy that ends TLS)`
	case variable == "$host" && (d.Name == "return" || d.Name == "rewrite"):
		return `an Ingress for the host, with annotation permanent-redirect (or from-to-www-redirect: "true")`
	case variable == "$request_method" && strings.Contains(condition, "OPTIONS"):
		return `annotations enable-cors: "true" and cors-*, which answer preflights`
	case refuses && (variable == "$uri" || variable == "$request_uri") && !strings.HasPrefix(operator, "!"):
		return `an Ingress for the path, with annotation denylist-source-range: "0.0.0.0/0,::/0"`
	}
	return ""
}
