// Package chaos kills, stalls, adds and removes the endpoints of an upstream under
// load, and wants that no client notices: requests that may be repeated all
// succeed, and nothing is left behind afterwards.
//
// It lasts two seconds by default; -duration sets that.
package chaos
