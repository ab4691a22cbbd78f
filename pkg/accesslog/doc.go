// Package accesslog writes one line for each exchange, in ingress-nginx's default
// format or in one that is configured, a text with the variables of package variable.
//
// Lines are made without allocating. A Log gathers lines in memory and a
// goroutine of its own writes them, so that a slow reader of the log never slows
// a request: when its memory is full, lines are dropped and counted. Everything
// that a client can choose is escaped and bounded; a line is always one line.
package accesslog
