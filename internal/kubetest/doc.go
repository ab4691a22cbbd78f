// Package kubetest runs tests against a real etcd and kube-apiserver.
//
// A test package that wants them has the build tag "apiserver" and this
//
//	func TestMain(m *testing.M) { os.Exit(kubetest.Main(m)) }
//
// and its tests call Cluster. One API server serves all tests of a package, so
// tests that must not see each other's objects use a Namespace each. There is no
// other part of Kubernetes: no controller makes EndpointSlices, gives a Service
// an address or deletes what is in a namespace.
//
// The programs come from the directory KUBEBUILDER_ASSETS, or else from
// bin/kubebuilder, where hack/apiserver/build.sh puts them. Without them the
// tests fail: a test that is silently left out protects nobody.
package kubetest
