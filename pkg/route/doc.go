// Package route finds what serves a host and a path, by the rules of the
// Ingress specification (networking.k8s.io/v1, "Path types" and "Hostname
// wildcards").
//
// A Table is made once from all hosts and never changes, so it is read without
// a lock. A host beats a wildcard and a wildcard beats the catch-all, and the
// choice of the host is final: a host without a matching path does not ask the
// next one. Within a host an exact path beats every prefix, and of the prefixes
// the longest wins, compared by whole path elements. Patterns, which are regular
// expressions, are not of the specification: see Pattern.
//
// What is found for a path holds however an application reads it: see Reading.
//
// Lookups allocate nothing and keep nothing. Their work is bounded by the
// length of what is looked up, whatever a client sends and however many rules
// there are; of patterns, those count whose literal beginning a path has.
package route
