package main

import (
	"fmt"
	"runtime"
	"strconv"
	"time"
)

// liveObjects is how many objects a server holds, as the cache of a controller of
// a large cluster.
const liveObjects = 50_000

// object is like an Ingress with its EndpointSlice after decoding: many small
// pieces with pointers to one another.
type object struct {
	namespace, name, uid, version string
	labels, annotations           map[string]string
	owners                        []owner
	rules                         []rule
	endpoints                     []*endpoint
	managed                       []byte
}

type owner struct {
	kind, name, uid string
	controller      *bool
}

type rule struct {
	host  string
	paths []path
}

type path struct {
	path, kind, service string
	port                *int32
}

type endpoint struct {
	addresses []string
	node      *string
	ready     *bool
	zone      string
}

func newObject(i int) *object {
	id := strconv.Itoa(i)
	yes, port, node := true, int32(8080), "node-"+strconv.Itoa(i%200)
	o := &object{
		namespace: "team-" + strconv.Itoa(i%500),
		name:      "application-" + id,
		uid:       fmt.Sprintf("%08x-0000-4000-8000-%012x", i, i*7919),
		version:   strconv.Itoa(100_000_000 + i),
		labels: map[string]string{
			"app.kubernetes.io/name": "application-" + id, "app.kubernetes.io/part-of": "suite-" + strconv.Itoa(i%100),
			"app.kubernetes.io/managed-by": "Helm", "team": "team-" + strconv.Itoa(i%500),
		},
		annotations: map[string]string{
			"meta.helm.sh/release-name":        "application-" + id,
			"shockwave.dev/proxy-body-size":    strconv.Itoa(1+i%64) + "m",
			"shockwave.dev/allocation-mode":    "standard",
			"cert-manager.io/cluster-issuer":   "letsencrypt-" + strconv.Itoa(i%3),
			"deployment.kubernetes.io/version": id,
		},
		owners:  []owner{{"Application", "application-" + id, fmt.Sprintf("%032x", i), &yes}},
		managed: fmt.Appendf(nil, `{"f:metadata":{"f:annotations":{".":{},"f:shockwave.dev/proxy-body-size":{}}},"f:spec":{"f:rules":{"i":%d}}}`, i),
	}
	for h := range 2 {
		r := rule{host: "app-" + id + "-" + strconv.Itoa(h) + ".example.com"}
		for p := range 2 {
			r.paths = append(r.paths, path{"/part-" + strconv.Itoa(p), "Prefix", "service-" + id, &port})
		}
		o.rules = append(o.rules, r)
	}
	for e := range 3 {
		o.endpoints = append(o.endpoints, &endpoint{
			[]string{fmt.Sprintf("10.%d.%d.%d", e, i/250%250, i%250)}, &node, &yes, "zone-" + strconv.Itoa(e),
		})
	}
	return o
}

// cache holds the live objects of a server.
type cache struct {
	objects []*object
	stop    chan struct{} // not nil: churn runs
	stopped chan struct{}
}

func newCache() *cache {
	c := &cache{objects: make([]*object, liveObjects)}
	for i := range c.objects {
		c.objects[i] = newObject(i)
	}
	return c
}

// What happens while a cache churns.
const (
	churnEvery  = 10 * time.Millisecond
	churnAtOnce = 10 // objects: 1,000 in a second
	forceEvery  = 100 * time.Millisecond
)

// churn replaces objects, as a busy cluster does, and forces collections, until
// calm.
func (c *cache) churn() {
	if c.stop != nil {
		return
	}
	c.stop, c.stopped = make(chan struct{}), make(chan struct{})
	stop, stopped := c.stop, c.stopped
	done := make(chan struct{})
	go func() {
		defer close(done)
		repeat(stop, forceEvery, runtime.GC)
	}()
	go func() {
		defer close(stopped)
		next := 0
		repeat(stop, churnEvery, func() {
			for range churnAtOnce {
				c.objects[next] = newObject(next)
				next = (next + 7919) % len(c.objects)
			}
		})
		<-done
	}()
}

// calm ends churn.
func (c *cache) calm() {
	if c.stop == nil {
		return
	}
	close(c.stop)
	<-c.stopped
	c.stop = nil
}

func repeat(stop <-chan struct{}, every time.Duration, do func()) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return
		case <-t.C:
			do()
		}
	}
}
