// Package status tells the cluster what became of its objects: the addresses in
// an Ingress's status.loadBalancer, Events about Problems, and the conditions of
// ListenerConfigs.
//
// All replicas serve, one writes: the holder of a Lease. A new leader rewrites
// what is out of date and nothing else. Losing the Lease ends the writing and
// never the process, whose traffic does not depend on it.
//
// The package decides nothing about traffic: Problems come as translate found
// them. What it may write is a matter of rate as well: each object has its own
// growing pause, so that a second controller that insists on other values, or
// an author who changes a mistake every second, costs little.
package status
