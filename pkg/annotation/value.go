package annotation

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

var (
	errSeconds  = errors.New("want a number of seconds, such as 30")
	errDuration = errors.New("want a number of seconds, such as 30, or a duration, such as 1m30s")
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
	return text != "" && strings.Trim(text, "0123456789") == ""
}
