// Package e2e installs the chart into a real cluster and asks what a user
// would ask: does an Ingress answer, does a rolling restart of the application
// or of Shockwave itself lose a request, does an uninstalled release leave
// anything behind.
//
// The tests have the build tag e2e and run with `make e2e`. They make
// namespaces of their own, an IngressClass of their own and, unless the
// cluster has it, the CRD, and remove all of it. They are told by the
// environment:
//
//	KUBECONFIG        the cluster, as an administrator
//	E2E_IMAGE         the image of Shockwave, name:tag, which the nodes have or can pull
//	E2E_ECHO_IMAGE    the image of test/e2e/echo (localhost/echo:dev)
//	E2E_NODE_ADDRESS  where NodePorts answer (the InternalIP of the first node)
//	HELM              the helm to run (helm)
package e2e
