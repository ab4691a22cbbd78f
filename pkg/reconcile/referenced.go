package reconcile

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// fetches is how many objects are fetched at the same time.
	fetches = 16
	// fetchTimeout bounds one of them.
	fetchTimeout = 10 * time.Second
)

// referenced holds the objects of one kind that something refers to. The names
// and versions of all others are known, their content is not.
type referenced[T client.Object] struct {
	kind     string
	versions *store[*metav1.PartialObjectMetadata]
	reader   client.Reader
	new      func() T
	kept     map[types.NamespacedName]T
}

// update makes the kept objects those of wanted, and returns them. Of an object
// that cannot be fetched now the last good content stays; the error says so and
// does not make the rest less useful.
func (r *referenced[T]) update(ctx context.Context, wanted []types.NamespacedName) ([]T, error) {
	next := make(map[types.NamespacedName]T, len(wanted))
	var stale []types.NamespacedName
	for _, name := range wanted {
		version, exists := r.versions.get(name)
		if !exists {
			continue
		}
		have, ok := r.kept[name]
		if ok {
			next[name] = have
		}
		if !ok || have.GetResourceVersion() != version.ResourceVersion {
			stale = append(stale, name)
		}
	}
	err := r.fetch(ctx, stale, next)
	r.kept = next
	all := make([]T, 0, len(next))
	for _, name := range wanted { // and not in the order of a map, so that a Build sees that nothing changed
		if o, ok := next[name]; ok {
			all = append(all, o)
		}
	}
	return all, err
}

// wants tells whether one of the changed objects may be in use.
func wants(wanted []types.NamespacedName, changed names) bool {
	if len(changed) == 0 {
		return false
	}
	for _, name := range wanted {
		if _, ok := changed[name]; ok {
			return true
		}
	}
	return false
}

// fetch gets the objects named and puts them into kept.
func (r *referenced[T]) fetch(ctx context.Context, stale []types.NamespacedName, kept map[types.NamespacedName]T) error {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		errs  []error
		slots = make(chan struct{}, fetches)
	)
	for _, name := range stale {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			obj, err := r.get(ctx, name)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case apierrors.IsNotFound(err):
				delete(kept, name)
			case err != nil:
				errs = append(errs, fmt.Errorf("get %s %s: %w", r.kind, name, err))
			default:
				kept[name] = obj
			}
		})
	}
	wg.Wait()
	if len(errs) > 3 { // they are most likely all alike
		errs = append(errs[:3], fmt.Errorf("and %d more", len(errs)-3))
	}
	return errors.Join(errs...)
}

func (r *referenced[T]) get(ctx context.Context, name types.NamespacedName) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	obj := r.new()
	if err := r.reader.Get(ctx, name, obj); err != nil {
		return obj, err
	}
	stripped, err := strip(obj)
	if err != nil {
		return obj, err
	}
	return stripped.(T), nil
}
