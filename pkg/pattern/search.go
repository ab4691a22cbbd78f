package pattern

import "regexp"

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
