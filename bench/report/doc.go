// Package report turns the figures of a comparison into tables and pages, and keeps
// them in files: what the comparisons of this directory have in common once they have
// measured. It measures nothing itself.
package report
