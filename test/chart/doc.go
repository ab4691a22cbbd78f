// Package chart holds what the Helm chart renders, value set by value set, and
// tests of it.
//
// values/ has the value sets and golden/ what Helm makes of each;
// hack/chart-golden.sh compares them (`make chart-check`, needs Helm) and
// rewrites them with -update. The tests read the golden files, so they need no
// Helm: they assert what users and other files rely on.
package chart
