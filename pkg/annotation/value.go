package annotation

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

var (
	errSeconds  = errors.New("want a number of seconds, such as 30")
	errDuration = errors.New("want a number of seconds, such as 30, or a duration, such as 1m30s")
	errBool     = errors.New("want true or false")
	errOnOff    = errors.New("want on or off")
	errName     = errors.New("want a host name or an IP address")
	errSize     = errors.New("want a number of bytes, such as 4096, 8k, 1m or 2g")
)

// longest is the longest duration, the most seconds that nginx takes.
const longest = math.MaxInt32 * time.Second

// parsePositiveDuration reads a duration above zero.
func parsePositiveDuration(text string, d dialect) (time.Duration, error) {
	value, err := parseDuration(text, d)
	if err == nil && value <= 0 {
		return 0, errors.New("want more than 0")
	}
	return value, err
}

// parseDurationWithin reads a duration between two bounds.
func parseDurationWithin(least, most time.Duration) func(string, dialect) (time.Duration, error) {
	return func(text string, d dialect) (time.Duration, error) {
		value, err := parseDuration(text, d)
		if err == nil && (value < least || value > most) {
			return 0, fmt.Errorf("want %v to %v", least, most)
		}
		return value, err
	}
}

// parseDuration reads bare digits as seconds. In our dialect it reads Go's
// durations too, where whole units of a millisecond and above make sense.
func parseDuration(text string, d dialect) (time.Duration, error) {
	if isDigits(text) {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil || seconds > math.MaxInt32 {
			return 0, fmt.Errorf("want %d seconds at most", math.MaxInt32)
		}
		return time.Duration(seconds) * time.Second, nil
	}
	if d == nginx {
		return 0, errSeconds
	}
	value, err := time.ParseDuration(text)
	switch {
	case err != nil || value < 0 || text[0] == '+' || text[0] == '-':
		return 0, errDuration
	case value > longest:
		return 0, fmt.Errorf("want %d seconds at most", math.MaxInt32)
	case value != value.Truncate(time.Millisecond):
		return 0, errors.New("want whole milliseconds")
	}
	return value, nil
}

// parseSize reads a size as ingress-nginx does: digits and one of b, k, m and g
// in either case, or none for bytes (ingress-nginx:
// internal/ingress/annotations/parser).
func parseSize(text string, _ dialect) (int64, error) {
	digits, unit := text, int64(1)
	if text != "" {
		switch text[len(text)-1] | 0x20 {
		case 'b':
			digits = text[:len(text)-1]
		case 'k':
			digits, unit = text[:len(text)-1], 1<<10
		case 'm':
			digits, unit = text[:len(text)-1], 1<<20
		case 'g':
			digits, unit = text[:len(text)-1], 1<<30
		}
	}
	if !isDigits(digits) {
		return 0, errSize
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n > math.MaxInt64/unit {
		return 0, errors.New("want less than 8 EiB")
	}
	return n * unit, nil
}

// parseSizeWithin reads a size between two bounds.
func parseSizeWithin(least, most int64) func(string, dialect) (int64, error) {
	return func(text string, d dialect) (int64, error) {
		n, err := parseSize(text, d)
		if err == nil && (n < least || n > most) {
			return 0, fmt.Errorf("want %d to %d bytes", least, most)
		}
		return n, err
	}
}

// parseCount reads a whole number, at least least.
func parseCount(least int) func(string, dialect) (int, error) {
	return func(text string, _ dialect) (int, error) {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || !isDigits(text) || int(n) < least {
			return 0, fmt.Errorf("want a whole number from %d to %d", least, math.MaxInt32)
		}
		return int(n), nil
	}
}

func isDigits(text string) bool {
	return text != "" && consistsOf(text, digits)
}

// parseCountWithin reads a whole number between two bounds.
func parseCountWithin(least, most int) func(string, dialect) (int, error) {
	return func(text string, _ dialect) (int, error) {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || !isDigits(text) || int(n) < least || int(n) > most {
			return 0, fmt.Errorf("want a whole number from %d to %d", least, most)
		}
		return int(n), nil
	}
}

// parseDepth reads how many certificates may stand in a chain. 0 means 1, as in
// ingress-nginx.
func parseDepth(text string, d dialect) (int, error) {
	n, err := parseCountWithin(0, 100)(text, d)
	if err != nil {
		return 0, err
	}
	return max(n, 1), nil
}

// parseBool reads a boolean as ingress-nginx does.
func parseBool(text string, _ dialect) (bool, error) {
	value, err := strconv.ParseBool(text)
	if err != nil {
		return false, errBool
	}
	return value, nil
}

// parseOnOff reads what nginx calls a flag. Booleans are taken too: what they
// mean is clear.
func parseOnOff(text string, _ dialect) (bool, error) {
	switch strings.ToLower(text) {
	case "on", "true":
		return true, nil
	case "off", "false":
		return false, nil
	}
	return false, errOnOff
}

// parseName reads a host name or an address.
func parseName(text string, _ dialect) (string, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		return text, nil
	}
	name := strings.ToLower(text)
	if len(name) > 253 {
		return "", errName
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || !consistsOf(label, letters+digits+"-_") {
			return "", errName
		}
	}
	return name, nil
}

// tokenBytes are those of a token (RFC 9110, section 5.6.2).
const tokenBytes = letters + digits + "!#$%&'*+-.^_`|~"

// fieldNameBytes are those of names of fields that ingress-nginx takes.
const fieldNameBytes = letters + digits + "-_"

// longestFieldName bounds the name of a field in a setting.
const longestFieldName = 128

func isFieldName(text string) bool {
	return text != "" && len(text) <= longestFieldName && consistsOf(text, fieldNameBytes)
}

// isGraphic tells whether text consists of visible ASCII characters.
func isGraphic(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] >= 0x7f {
			return false
		}
	}
	return true
}
