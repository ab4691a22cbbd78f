package pattern

import (
	"regexp"
	"strings"
)

// maxSearch bounds the program of an expression that values are searched for. Few bytes
// make a large one, as in x{1000}, and each instruction is memory for as long as the
// expression is in use, and time for each byte of a value.
const maxSearch = 4000

// Search compiles an expression whose author need not be trusted, and that a value is
// searched for.
func Search(text string) (*regexp.Regexp, error) {
	if _, size, err := parse(text); err == nil && size > maxSearch {
		return nil, errProgram
	}
	return regexp.Compile(text) // which tells better what is wrong
}

// OfMap compiles an expression as nginx has them in a map: behind "~", or behind "~*" for
// any case of letters. It is nil, without an error, for a text that is none.
func OfMap(text string) (*regexp.Regexp, error) {
	expression, ok := strings.CutPrefix(text, "~")
	if !ok {
		return nil, nil
	}
	expression, anyCase := strings.CutPrefix(expression, "*")
	if !anyCase {
		return Search(expression)
	}
	compiled, err := Search("(?i)" + expression)
	if err != nil {
		if _, asWritten := Search(expression); asWritten != nil {
			err = asWritten
		}
		return nil, err
	}
	return compiled, nil
}
