package annotation

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// Direction says which messages get the fields that a ConfigMap lists.
type Direction uint8

const (
	// ToEndpoint is for requests.
	ToEndpoint Direction = iota
	// ToClient is for responses.
	ToClient
)

// Bounds of the fields that one ConfigMap lists: each message gets all of them.
const (
	mostLines    = 64
	mostBytes    = 16 << 10
	longestValue = 4 << 10
	// mostDollars bounds the variables of one value, each of which may be as long as
	// the request.
	mostDollars = 16
)

// FieldLines reads the entries of a ConfigMap as fields, and returns them in the form
// of model.ResponseFields.Set, sorted by name. Entries that cannot be sent are left
// out; wrong tells why.
func (r Reader) FieldLines(data map[string]string, to Direction) (lines string, wrong []error) {
	var b strings.Builder
	seen := make(map[string]bool, len(data))
	count := 0
	for _, name := range slices.Sorted(maps.Keys(data)) {
		value := strings.Trim(data[name], " \t\r\n")
		err := r.checkField(name, value, to)
		lower := strings.ToLower(name)
		switch {
		case err != nil:
		case seen[lower]:
			err = errors.New("the name stands twice, in another case")
		case count == mostLines || b.Len()+len(name)+len(value) > mostBytes:
			return b.String(), append(wrong, fmt.Errorf("%s and what follows: want %d fields and %d bytes at most", quote(name), mostLines, mostBytes))
		}
		if err != nil {
			if len(wrong) < mostProblems {
				wrong = append(wrong, fmt.Errorf("%s: %w", quote(name), err))
			}
			continue
		}
		seen[lower] = true
		if count++; count > 1 {
			b.WriteByte('\n')
		}
		b.WriteString(name + ": " + value)
	}
	return b.String(), wrong
}

// checkField tells why a field cannot be sent.
func (r Reader) checkField(name, value string, to Direction) error {
	switch {
	case !isFieldName(name):
		return fmt.Errorf("want a name of letters, digits, - and _ of %d bytes at most", longestFieldName)
	case ofConnection(message.LookupName([]byte(name)), to):
		return errors.New("this field belongs to a connection, and is the proxy's to write")
	case len(value) > longestValue:
		return fmt.Errorf("want a value of %d bytes at most", longestValue)
	case !isFieldValue(value):
		return errors.New("want a value of one line, without control characters")
	case message.LookupName([]byte(name)) == message.Host && to == ToEndpoint && !isHostText(value):
		return errNoHost
	case strings.Count(value, "$") > mostDollars:
		return fmt.Errorf("want %d variables at most", mostDollars)
	}
	return r.checks.expression(value)
}

// ofConnection tells which fields frame a message, or are about the connection or the
// hop (RFC 9110, section 7.6.1): a wrong one makes two recipients see two messages.
func ofConnection(n message.Name, to Direction) bool {
	switch n {
	case message.Connection, message.ContentLength, message.HTTP2Settings, message.KeepAlive, message.ProxyConnection,
		message.TE, message.Trailer, message.TransferEncoding, message.Upgrade:
		return true
	case message.CDNLoop, message.Expect:
		return to == ToEndpoint
	}
	return false
}

// isFieldValue tells whether text can be written as the value of a field (RFC 9110,
// section 5.5).
func isFieldValue(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
