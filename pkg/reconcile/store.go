package reconcile

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// store holds the objects of one kind as the cache's events tell them, shared
// with the cache. Listing it copies pointers, where listing the cache would
// copy objects; and unlike the cache it is complete the moment that an event
// is acted upon.
type store[T client.Object] struct {
	mu      sync.Mutex
	objects map[types.NamespacedName]T
	// listed is what list returned since the last change, nil for nothing.
	listed []T
	// changed is called after each change that matters. old or new is nil
	// for an object that appeared or went.
	changed func(old, new *T)
}

func newStore[T client.Object](changed func(old, new *T)) *store[T] {
	return &store[T]{objects: make(map[types.NamespacedName]T), changed: changed}
}

// list returns all objects, in no order that means anything. As long as nothing
// changes it is the same list, so that a Build sees that nothing did. It must not
// be changed.
func (s *store[T]) list() []T {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listed == nil {
		s.listed = make([]T, 0, len(s.objects))
		for _, o := range s.objects {
			s.listed = append(s.listed, o)
		}
	}
	return s.listed
}

func (s *store[T]) get(name types.NamespacedName) (T, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.objects[name]
	return o, ok
}

// OnAdd implements toolscache.ResourceEventHandler.
func (s *store[T]) OnAdd(obj any, _ bool) { s.put(obj) }

// OnUpdate implements toolscache.ResourceEventHandler. What the event calls old
// is not needed: the store knows what it told last.
func (s *store[T]) OnUpdate(_, obj any) { s.put(obj) }

// OnDelete implements toolscache.ResourceEventHandler.
func (s *store[T]) OnDelete(obj any) {
	if gone, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
		obj = gone.Obj
	}
	o, ok := obj.(T)
	if !ok {
		return
	}
	name := client.ObjectKeyFromObject(o)
	s.mu.Lock()
	old, known := s.objects[name]
	delete(s.objects, name)
	s.listed = nil
	s.mu.Unlock()
	if known {
		s.changed(&old, nil)
	}
}

func (s *store[T]) put(obj any) {
	o, ok := obj.(T)
	if !ok {
		return
	}
	name := client.ObjectKeyFromObject(o)
	s.mu.Lock()
	old, known := s.objects[name]
	s.objects[name] = o
	s.listed = nil
	s.mu.Unlock()
	switch {
	case !known:
		s.changed(nil, &o)
	case old.GetResourceVersion() != o.GetResourceVersion() || old.GetUID() != o.GetUID():
		s.changed(&old, &o)
	}
}
