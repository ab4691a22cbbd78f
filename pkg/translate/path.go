package translate

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// longestPath bounds a path, in bytes of its normal form.
const longestPath = 2048

var (
	errPathStart   = errors.New("want a path that begins with /")
	errPathLength  = fmt.Errorf("want %d bytes at most", longestPath)
	errPathDots    = errors.New("want no . or .. segments")
	errPathSlashes = errors.New("want no empty segments (//)")
	errPathUTF8    = errors.New("want UTF-8")
	errPathPercent = errors.New("want two hexadecimal digits after %")
	errPathEncoded = errors.New("want no encoded slash, backslash or control character")
	errPathType    = errors.New("want pathType Exact, Prefix or ImplementationSpecific")
)

// pathMatch reads a pathType. ImplementationSpecific means Prefix, as in
// ingress-nginx (IN: controller/location.go).
func pathMatch(t *networkingv1.PathType) (model.PathMatch, error) {
	if t != nil {
		switch *t {
		case networkingv1.PathTypeExact:
			return model.Exact, nil
		case networkingv1.PathTypePrefix, networkingv1.PathTypeImplementationSpecific:
			return model.Prefix, nil
		}
	}
	return 0, errPathType
}

// routePath reads path and pathType of a rule. An empty path is allowed where
// the type is ImplementationSpecific and means "/".
func routePath(p *networkingv1.HTTPIngressPath) (routeKey, error) {
	match, err := pathMatch(p.PathType)
	if err != nil {
		return routeKey{}, err
	}
	written := p.Path
	if written == "" && *p.PathType == networkingv1.PathTypeImplementationSpecific {
		written = "/"
	}
	path, err := normalPath(written)
	if err != nil {
		return routeKey{}, err
	}
	// Prefix compares path elements, so a trailing slash makes no difference
	// (the specification's table: /foo/ matches /foo and /foo/).
	if match == model.Prefix && path != "/" {
		path = strings.TrimSuffix(path, "/")
	}
	return routeKey{path, match}, nil
}

// isUnusual tells whether a path of type Exact or Prefix has other characters than the
// webhook of ingress-nginx takes there (IN: internal/ingress/inspector/rules.go). What
// is stored already is served there, byte by byte, and so it is here.
func isUnusual(p *networkingv1.HTTPIngressPath) bool {
	if p.PathType == nil || *p.PathType == networkingv1.PathTypeImplementationSpecific {
		return false
	}
	for i := range len(p.Path) {
		if c := p.Path[i]; c == '~' || c != '/' && !isUnreserved(c) {
			return true
		}
	}
	return false
}

// normalPath returns the form in which request paths are compared: what must
// not be encoded is decoded, what must be is, in upper case (RFC 3986, section
// 6.2.2). It refuses paths that no normalised request has, and those that
// Kubernetes' own validation refuses.
func normalPath(path string) (string, error) {
	switch {
	case !strings.HasPrefix(path, "/"):
		return "", errPathStart
	case len(path) > longestPath:
		return "", errPathLength
	case !utf8.ValidString(path):
		return "", errPathUTF8
	}
	normal := make([]byte, 0, len(path))
	for i := 0; i < len(path); i++ {
		c := path[i]
		switch {
		case c == '%':
			octet, ok := unhexPair(path[i+1:])
			if !ok {
				return "", errPathPercent
			}
			if octet == '/' || octet == '\\' || octet < 0x20 || octet == 0x7f {
				return "", errPathEncoded
			}
			i += 2
			if isUnreserved(octet) {
				normal = append(normal, octet)
			} else {
				normal = appendEncoded(normal, octet)
			}
		case c >= utf8.RuneSelf:
			normal = appendEncoded(normal, c)
		case c == '/' || isUnreserved(c) || strings.IndexByte("!$&'()*+,;=:@", c) >= 0:
			normal = append(normal, c)
		default:
			return "", fmt.Errorf("want no %q in a path", c)
		}
	}
	if len(normal) > longestPath {
		return "", errPathLength
	}
	return string(normal), checkSegments(string(normal))
}

// checkSegments refuses segments that normalising a request takes away.
func checkSegments(path string) error {
	if strings.Contains(path, "//") {
		return errPathSlashes
	}
	for segment := range strings.SplitSeq(path[1:], "/") {
		if segment == "." || segment == ".." {
			return errPathDots
		}
	}
	return nil
}

// isUnreserved is the rule of RFC 3986, section 2.3.
func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

func appendEncoded(dst []byte, octet byte) []byte {
	const digits = "0123456789ABCDEF"
	return append(dst, '%', digits[octet>>4], digits[octet&15])
}

func unhexPair(s string) (octet byte, ok bool) {
	if len(s) < 2 {
		return 0, false
	}
	for _, c := range []byte(s[:2]) {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		octet = octet<<4 | c
	}
	return octet, true
}
