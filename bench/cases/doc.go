// Package cases is what servers under comparison are asked, and how a handler for
// each of them answers: the same work and the same bytes. Every handler is written
// as the documentation of its server recommends when allocations matter.
package cases
