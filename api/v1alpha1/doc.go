// Package v1alpha1 holds the resources that Shockwave adds to Kubernetes, in
// the group shockwave.dev.
//
// Its types are what a user writes and reads; what they mean for traffic is
// decided in package translate. The deepcopy functions and the
// CustomResourceDefinition in config/crd are generated from this package by
// `make generate`. A field that is not set leaves the default of the weaker
// sources (flags, ConfigMap) in force, so every setting is a pointer.
//
// +kubebuilder:object:generate=true
// +groupName=shockwave.dev
package v1alpha1

//go:generate go run sigs.k8s.io/controller-tools/cmd/controller-gen@v0.23.0 object crd paths=. output:crd:artifacts:config=../../config/crd
