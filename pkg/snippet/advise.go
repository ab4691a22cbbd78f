package snippet

import (
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// Advice says what does the same as a directive.
type Advice struct {
	// Line is that of the snippet, from 1.
	Line int
	// Directive is the directive as it was written, shortened.
	Directive string
	// Instead says what to set. Empty: nothing does the same.
	Instead string
}

// Advise reads a snippet and returns one piece of advice for each directive. err
// tells why the rest of the text could not be read.
func Advise(text string) ([]Advice, error) {
	directives, err := Parse(text)
	var list []Advice
	for i := range directives {
		list = advise(list, &directives[i], "")
	}
	return list, err
}

// advise appends the advice for one directive, which stands where the condition of
// an if holds.
func advise(list []Advice, d *Directive, condition string) []Advice {
	if d.Name == "if" {
		of := strings.Join(d.Args, " ")
		if len(d.Block) == 0 {
			return append(list, Advice{d.Line, d.text(), ""})
		}
		for i := range d.Block {
			list = advise(list, &d.Block[i], of)
		}
		return list
	}
	if d.Name == "location" && len(d.Args) > 0 {
		return append(list, Advice{d.Line, d.text(), "an Ingress, or a path of one, for " + model.Excerpt(d.Args[len(d.Args)-1]) + " with the annotations that it needs"})
	}
	instead := ""
	if !d.code {
		instead = insteadOf(d, condition)
	}
	shown := d.text()
	if condition != "" {
		shown = model.Excerpt("if (" + condition + ") " + shown)
	}
	return append(list, Advice{d.Line, shown, instead})
}

// text is the directive as it was written, shortened.
func (d *Directive) text() string {
	text := strings.Join(append([]string{d.Name}, d.Args...), " ")
	switch {
	case d.Block != nil:
		text += " {…}"
	default:
		text += ";"
	}
	return model.Excerpt(text)
}

// insteadOf says what does the same as d.
func insteadOf(d *Directive, condition string) string {
	if condition != "" {
		return insteadIf(d, condition)
	}
	arg := func(i int) string {
		if i < len(d.Args) {
			return d.Args[i]
		}
		return ""
	}
	switch d.Name {
	case "add_header", "more_set_headers", "more_add_headers", "more_clear_headers", "proxy_hide_header":
		return insteadResponse(d)
	case "proxy_set_header", "grpc_set_header", "more_set_input_headers":
		return insteadRequest(d)
	case "return":
		return insteadReturn(d)
	case "rewrite":
		return insteadRewrite(d)
	case "deny", "allow":
		return insteadAccess(d)
	case "auth_basic", "auth_basic_user_file":
		return "annotations auth-type: basic, auth-secret, auth-realm"
	case "auth_request":
		return "annotation auth-url, with the URL of the service"
	case "limit_req", "limit_req_zone":
		return "annotations limit-rps or limit-rpm, and limit-burst-multiplier"
	case "limit_conn":
		return "annotation limit-connections"
	case "error_page":
		return "annotations custom-http-errors and default-backend"
	case "proxy_pass":
		return "a Service (of type ExternalName for another host) as the backend of the path"
	case "proxy_cookie_path", "proxy_cookie_domain", "proxy_next_upstream", "proxy_buffering", "proxy_buffer_size",
		"proxy_request_buffering", "proxy_max_temp_file_size", "client_body_buffer_size", "proxy_http_version", "proxy_busy_buffers_size",
		"proxy_ssl_name", "proxy_ssl_verify", "proxy_ssl_server_name", "proxy_ssl_protocols", "satisfy":
		return "annotation " + strings.ReplaceAll(d.Name, "_", "-") + ": " + quote(strings.Join(d.Args, " "))
	case "client_max_body_size":
		return "annotation proxy-body-size: " + quote(arg(0))
	case "proxy_connect_timeout", "proxy_send_timeout", "proxy_read_timeout",
		"grpc_connect_timeout", "grpc_send_timeout", "grpc_read_timeout":
		name := "proxy" + strings.TrimPrefix(strings.TrimPrefix(d.Name, "proxy"), "grpc")
		return "annotation " + strings.ReplaceAll(name, "_", "-") + ": " + quote(seconds(arg(0)))
	case "client_header_timeout", "client_body_timeout":
		return "key " + strings.ReplaceAll(d.Name, "_", "-") + " of the ConfigMap: " + quote(seconds(arg(0)))
	case "keepalive_timeout":
		return "key keep-alive of the ConfigMap: " + quote(seconds(arg(0)))
	case "large_client_header_buffers":
		return "key large-client-header-buffers of the ConfigMap: " + quote(strings.Join(d.Args, " "))
	case "proxy_buffers":
		return "annotations proxy-buffers-number: " + quote(arg(0)) + " and proxy-buffer-size: " + quote(arg(1))
	case "proxy_redirect":
		return "annotations proxy-redirect-from: " + quote(arg(0)) + " and proxy-redirect-to: " + quote(arg(1))
	case "access_log":
		if arg(0) == "off" {
			return `annotation enable-access-log: "false"`
		}
		return "key log-format-upstream of the ConfigMap"
	case "server_tokens":
		return "key server-tokens of the ConfigMap: " + quote(map[bool]string{true: "true", false: "false"}[arg(0) == "on"])
	case "server_name":
		return "annotation server-alias: " + quote(strings.Join(d.Args, ","))
	case "set_real_ip_from", "real_ip_header":
		return "keys use-forwarded-headers, proxy-real-ip-cidr and forwarded-for-header of the ConfigMap"
	case "ssl_protocols":
		return "key ssl-protocols of the ConfigMap: " + quote(strings.Join(d.Args, " "))
	case "ssl_ciphers":
		return "annotation ssl-ciphers: " + quote(arg(0))
	case "mirror":
		return "" // nothing mirrors requests here
	}
	return ""
}

// quote shows a value as it stands in YAML.
func quote(text string) string {
	return `"` + strings.ReplaceAll(strings.ReplaceAll(model.Excerpt(text), `\`, `\\`), `"`, `\"`) + `"`
}

// seconds is a time of nginx, such as 5m, in seconds where that is easy.
func seconds(text string) string {
	for unit, factor := range map[string]int{"s": 1, "m": 60, "h": 3600, "d": 86400} {
		number, ok := strings.CutSuffix(text, unit)
		if !ok || number == "" || strings.Trim(number, "0123456789") != "" || len(number) > 6 {
			continue
		}
		return product(number, factor)
	}
	return text
}
