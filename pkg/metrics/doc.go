// Package metrics counts what the program does and shows it to Prometheus.
//
// Every metric is declared in table.go, with its help and its labels. Those of
// ingress-nginx keep their names and labels, so that its dashboards and
// progressive delivery tools go on working; ours begin with "shockwave_".
//
// The request path touches only a Route: a handle that a snapshot resolves once
// for each route. Observing an exchange takes a few atomic additions, no lock
// and no allocation. Label values come from Ingress objects, never from a
// client: methods that are not well known count as OTHER, and hosts and paths
// are those of the rule. All else is read from its owner when it is scraped.
package metrics
