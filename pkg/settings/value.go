package settings

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// seconds is a duration written as a bare number of seconds, as ingress-nginx
// does, or as a Go duration such as 1m30s.
type seconds time.Duration

func (d *seconds) String() string { return time.Duration(*d).String() }
func (d *seconds) Type() string   { return "duration" }

func (d *seconds) Set(s string) error {
	const most = int64(1<<63-1) / int64(time.Second)
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		if n > most || n < -most {
			return fmt.Errorf("%q is too long", s)
		}
		*d = seconds(time.Duration(n) * time.Second)
		return nil
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("%q is neither a number of seconds nor a duration such as 1m30s", s)
	}
	*d = seconds(v)
	return nil
}

// Choice is a name out of a few, with whether somebody chose it.
type Choice struct {
	Name string
	// Given tells that the flag was given, even if with the default.
	Given bool
}

// String is the name.
func (c *Choice) String() string { return c.Name }

// Type says what kind of value the flag takes.
func (c *Choice) Type() string { return "string" }

// Set takes any name: Validate tells which there are.
func (c *Choice) Set(name string) error {
	*c = Choice{Name: name, Given: true}
	return nil
}

// numbers is a list written with commas. Unlike pflag's own, it prints numbers as
// people write them.
type numbers []float64

func (l *numbers) Type() string { return "numbers" }

func (l *numbers) String() string {
	words := make([]string, len(*l))
	for i, n := range *l {
		words[i] = strconv.FormatFloat(n, 'g', -1, 64)
	}
	return strings.Join(words, ",")
}

func (l *numbers) Set(s string) error {
	var list numbers
	for word := range strings.SplitSeq(s, ",") {
		n, err := strconv.ParseFloat(strings.TrimSpace(word), 64)
		if err != nil {
			return fmt.Errorf("%q is not a number", word)
		}
		list = append(list, n)
	}
	*l = list
	return nil
}
