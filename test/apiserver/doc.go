// Package apiserver tests the control plane against a real etcd and
// kube-apiserver: what is published after which change and how soon, who writes
// status, and with which rights. Its tests have the build tag "apiserver"; see
// package kubetest for the programs they need.
package apiserver
