package annotation

import (
	"fmt"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// Checks tell what whoever serves the configuration makes of values that this
// package knows the form of only. Each returns why a value is of no use. One that
// is nil takes all.
type Checks struct {
	// Expression is for texts with variables, such as "$request_uri".
	Expression func(text string) error
	// Ciphers is for lists of ciphers in OpenSSL's form. It also returns the names
	// that are left out where others remain.
	Ciphers func(text string) (ignored []string, err error)
	// LogFormat is for the form of log lines. It also tells of what is absent from all
	// lines.
	LogFormat func(text string) (absent []error, err error)
}

// mostAbsent bounds how many variables of a format a Problem names.
const mostAbsent = 8

func (c *Checks) logFormat(text string) error {
	if c == nil || c.LogFormat == nil {
		return nil
	}
	absent, err := c.LogFormat(text)
	if err == nil && len(absent) > 0 {
		more := ""
		if len(absent) > mostAbsent {
			absent, more = absent[:mostAbsent], " and others"
		}
		var names []string
		for _, missing := range absent {
			names = append(names, missing.Error())
		}
		err = partial{fmt.Errorf("%s%s: left out of the lines", strings.Join(names, "; "), more)}
	}
	return err
}

func (c *Checks) expression(text string) error {
	if c == nil || c.Expression == nil {
		return nil
	}
	return c.Expression(text)
}

func (c *Checks) ciphers(text string) error {
	if c == nil || c.Ciphers == nil {
		return nil
	}
	ignored, err := c.Ciphers(text)
	if err == nil && len(ignored) > 0 {
		err = leftOut(ignored)
	}
	return err
}

// leftOut is the error of a list of which some parts are not supported.
func leftOut(parts []string) error {
	return partial{fmt.Errorf("not supported and left out: %s", model.Excerpt(strings.Join(parts, " ")))}
}
