package variable

import (
	"errors"
	"fmt"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// Errors of texts that are no expressions.
var (
	ErrTooLong  = fmt.Errorf("text with variables is longer than %d bytes", MaxLength)
	ErrTooMany  = fmt.Errorf("text has more than %d parts", MaxParts)
	ErrName     = errors.New("want the name of a variable after $, such as $host or ${host}")
	ErrNoBraces = errors.New("want } after the name of a variable that begins with ${")
)

// UnknownError is returned for a variable that does not exist.
type UnknownError struct {
	// Name is the variable's, without the $.
	Name string
	// Near is one of which Name may be a misspelling, empty for none.
	Near string
}

// Error implements error.
func (e *UnknownError) Error() string {
	text := fmt.Sprintf("variable $%s is not known", model.Excerpt(e.Name))
	if e.Near != "" {
		text += ", did you mean $" + e.Near + "?"
	}
	return text
}

// LateError is returned for a variable that has no value yet where the text is
// used.
type LateError struct {
	// Name is the variable's, without the $.
	Name string
}

// Error implements error.
func (e *LateError) Error() string {
	return fmt.Sprintf("variable $%s is known only after the response", model.Excerpt(e.Name))
}
