package snapshot

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// Question is a request that somebody asks about.
type Question struct {
	method, url string
	head        []byte // as a client would send it
	clear       bool   // the URL says http
}

// Bounds of a question.
const (
	longestURL = 8 << 10
	mostFields = 64
	longest    = 16 << 10 // of all together
)

// NewQuestion makes a question of a method, an http or https URL, of which the
// scheme may be missing, and fields of the form "Name: value". A field Host
// stands in place of the URL's host. The URL "*" is that of OPTIONS. An error is a
// sentence for whoever asked; what a client may send, but gets an answer of 4xx
// for, is no error.
func NewQuestion(method, url string, fields []string) (Question, error) {
	size := len(method) + len(url)
	for _, field := range fields {
		size += len(field)
	}
	switch {
	case method == "" || strings.ContainsFunc(method, blank):
		return Question{}, fmt.Errorf("%q is no method: write one such as GET", model.Excerpt(method))
	case len(url) > longestURL:
		return Question{}, fmt.Errorf("the URL is longer than %d bytes", longestURL)
	case strings.ContainsFunc(url, blank):
		return Question{}, fmt.Errorf("URL %q has a space or a control character: encode it, as in %%20", model.Excerpt(url))
	case len(fields) > mostFields || size > longest:
		return Question{}, fmt.Errorf("that is too much: at most %d fields, and %d bytes in all", mostFields, longest)
	}
	host, target, err := splitURL(url)
	if err != nil {
		return Question{}, err
	}
	var lines strings.Builder
	named := false
	for _, field := range fields {
		name, value, ok := strings.Cut(field, ":")
		if !ok || strings.ContainsFunc(field, unicode.IsControl) {
			return Question{}, fmt.Errorf("%q is no field: write -H 'Name: value'", model.Excerpt(field))
		}
		if strings.EqualFold(name, "Host") {
			named = true
		}
		lines.WriteString(name + ": " + strings.TrimSpace(value) + "\r\n")
	}
	switch {
	case named:
	case host == "":
		return Question{}, fmt.Errorf("URL %q has no host: write http://HOST/PATH, or say it with -H 'Host: NAME'", model.Excerpt(url))
	default:
		lines.WriteString("Host: " + host + "\r\n")
	}
	head := method + " " + target + " HTTP/1.1\r\n" + lines.String() + "\r\n"
	scheme, _, _ := strings.Cut(url, ":")
	return Question{method, url, []byte(head), strings.EqualFold(scheme, "http")}, nil
}

// blank are characters that stand in no method and no URL.
func blank(r rune) bool { return r == ' ' || unicode.IsControl(r) }

// splitURL returns the host of a URL, which may be missing, and the request
// target that a client makes of it: as it is written, without the fragment.
func splitURL(url string) (host, target string, err error) {
	if url == "*" {
		return "", "*", nil
	}
	rest := url
	if scheme, after, ok := strings.Cut(url, "://"); ok && !strings.ContainsAny(scheme, "/?#") {
		if !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
			return "", "", fmt.Errorf("URL %q is neither http nor https", model.Excerpt(url))
		}
		rest = after
	}
	rest, _, _ = strings.Cut(rest, "#")
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	host, target = rest[:end], rest[end:]
	if strings.Contains(host, "@") {
		return "", "", errors.New("a URL with a user name: leave it out, as clients do")
	}
	if !strings.HasPrefix(target, "/") {
		target = "/" + target
	}
	return host, target, nil
}
