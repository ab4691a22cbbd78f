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
