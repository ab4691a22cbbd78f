// Package pattern matches paths by regular expressions, as ingress-nginx does for a
// host that uses them: `location ~* "^PATH"`, in any case and from the path's first
// byte on.
//
// Expressions are written for PCRE and run by package regexp, whose time is linear in
// the length of the text. Compile translates what means the same to both, and refuses,
// with the reason, what does not: look-around, back-references, possessive and atomic
// groups and all that is rarer. What is refused can be denied: Denial is an expression
// that matches at least as much.
//
// nginx matches bytes, and a path in which escapes are decoded. A Text is such a path:
// see AppendText. Matching allocates nothing. Nor does finding what the groups of an
// expression match, for the usual shapes; for others package regexp returns a slice.
package pattern
