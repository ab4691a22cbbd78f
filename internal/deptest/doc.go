// Package deptest holds the rules about which package may import which, as a
// test. It asks `go list` for what the packages of this module import,
// directly and through others, and compares it with the tables in
// rules_test.go. Imports of test files are free.
package deptest
