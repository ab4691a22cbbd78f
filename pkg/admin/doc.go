// Package admin serves what operators and the kubelet ask a running process: its
// health and readiness, its metrics, the configuration in use, what becomes of a
// request and, if wanted, profiles.
//
// It is a listener of its own, apart from the traffic, and not meant to be
// reachable from outside the cluster. Nothing it shows is secret: private keys
// are never part of it.
package admin
