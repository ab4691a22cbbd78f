// Package credential verifies users' names and passwords against lists in the form of
// htpasswd, and keeps them from costing much.
//
// A good hash of a password is slow on purpose, some 50 ms for each request. A Verifier
// remembers which passwords were right, as a digest with a key that only the process
// has, so that the hash is computed once; it computes few at a time, and sends away
// who would wait too long, so that a flood of wrong passwords leaves the processors to
// others. It keeps no password.
package credential
