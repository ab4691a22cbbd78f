package manifests

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/shockwave-ingress/shockwave/pkg/translate"
)

const (
	// quiet is how long nothing must happen before a change is read, so that
	// a file written in several pieces is read once.
	quiet = 15 * time.Millisecond
	// patience bounds the wait for quiet.
	patience = 60 * time.Millisecond
	// rescan is how often the directory is read without a notification, for
	// changes that the system does not tell (network file systems, the target
	// of a symbolic link).
	rescan = 2 * time.Second
)

// Source follows one directory.
type Source struct {
	dir string
	log *slog.Logger
}

// New returns the source of the objects below dir. Nothing is read before Run.
func New(dir string, log *slog.Logger) *Source {
	return &Source{dir: dir, log: log.With("manifests", dir)}
}

// Run calls publish with the directory's objects: once before anything else,
// even if there are none, then after every change, one call at a time. It
// returns nil when ctx ends and an error when the directory cannot be read at
// the start. A directory that disappears later keeps its last objects.
func (s *Source) Run(ctx context.Context, publish func(*translate.Objects)) error {
	info, err := os.Stat(s.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the manifest directory %s does not exist", s.dir)
	case err != nil:
		return fmt.Errorf("the manifest directory cannot be read: %w", err)
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory: --manifests wants one", s.dir)
	}
	w := s.watch()
	defer w.close()

	d := newDirectory(s.dir)
	// a directory must be watched before it is read, and is known only once
	// it was read: read again until there is nothing new to watch
	for {
		if _, err := d.scan(time.Now()); err != nil {
			return fmt.Errorf("the manifest directory cannot be read: %w", err)
		}
		if !w.follow(d.dirs) {
			break
		}
	}
	s.report(d)
	publish(d.objects())
	return s.follow(ctx, d, w, publish)
}

func (s *Source) follow(ctx context.Context, d *directory, w *watcher, publish func(*translate.Objects)) error {
	tick := time.NewTicker(rescan)
	defer tick.Stop()
	lost := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			w.unsure = true
		case event := <-w.system.Events:
			w.note(event)
			if !w.settle(ctx) {
				return nil
			}
		case <-w.system.Errors: // such as more changes than the system counts
			w.unsure = true
			if !w.settle(ctx) {
				return nil
			}
		}
		changed, err := s.reread(d, w)
		if err != nil {
			if !lost {
				s.log.Error("the manifest directory cannot be read, its last objects stay in use", "err", err)
			}
			lost = true
			continue
		}
		lost = false
		if changed {
			s.report(d)
			publish(d.objects())
		}
	}
}

// reread reads the files that the system told of and, where that may not be all,
// everything.
func (s *Source) reread(d *directory, w *watcher) (changed bool, err error) {
	touched, unsure := w.take()
	if !unsure {
		var complete bool
		if changed, complete = d.update(touched, time.Now()); complete {
			return changed, nil
		}
	}
	more, err := s.rescan(d, w)
	return changed || more, err
}

// rescan reads until there is nothing new to watch.
func (s *Source) rescan(d *directory, w *watcher) (changed bool, err error) {
	for {
		c, err := d.scan(time.Now())
		if err != nil {
			return changed, err
		}
		changed = changed || c
		if !w.follow(d.dirs) {
			return changed, nil
		}
	}
}

// report logs what is no Problem but may be asked for: documents of kinds that
// have no meaning here.
func (s *Source) report(d *directory) {
	for _, f := range d.files {
		for _, kind := range f.content.ignored {
			s.log.Debug("kind is not used", "file", f.name, "kind", kind)
		}
	}
}

// watcher tells of changes in a set of directories. Without notifications from
// the system it tells of none, and the rescan has to do.
type watcher struct {
	log    *slog.Logger
	system *fsnotify.Watcher
	failed bool

	// touched are the paths that the system told of since take, unless it is
	// unsure that they are all.
	touched map[string]struct{}
	unsure  bool
}

// mostTouched bounds the paths that are remembered.
const mostTouched = 1000

func (w *watcher) note(event fsnotify.Event) {
	if len(w.touched) >= mostTouched {
		w.unsure = true
		return
	}
	if w.touched == nil {
		w.touched = make(map[string]struct{})
	}
	w.touched[event.Name] = struct{}{}
}

// take returns what was touched and whether that may not be all, and begins
// anew.
func (w *watcher) take() (touched map[string]struct{}, unsure bool) {
	touched, unsure = w.touched, w.unsure
	w.touched, w.unsure = nil, false
	return touched, unsure
}

func (s *Source) watch() *watcher {
	system, err := fsnotify.NewWatcher()
	if err != nil {
		s.log.Warn("the system gives no notifications of changes, the directory is read every two seconds instead", "err", err)
		system = &fsnotify.Watcher{} // whose channels never deliver
	}
	return &watcher{log: s.log, system: system, failed: err != nil}
}

func (w *watcher) close() {
	if w.system.Events != nil {
		w.system.Close()
	}
}

// follow watches dirs and no others. It tells whether it watches one that it
// did not before, whose changes until now may have been missed. A directory
// that was removed and made again is such a one: the system forgets it.
func (w *watcher) follow(dirs map[string]string) (added bool) {
	if w.system.Events == nil {
		return false
	}
	watched := make(map[string]struct{})
	for _, dir := range w.system.WatchList() {
		if _, wanted := dirs[dir]; wanted {
			watched[dir] = struct{}{}
			continue
		}
		_ = w.system.Remove(dir) // it may have gone by itself
	}
	for dir := range dirs {
		if _, ok := watched[dir]; ok {
			continue
		}
		if err := w.system.Add(dir); err != nil {
			if !w.failed {
				w.log.Warn("cannot watch a directory, it is read every two seconds instead", "dir", dir, "err", err)
			}
			w.failed = true
			continue
		}
		added = true
	}
	return added
}

// settle waits until nothing happened for a moment and tells whether ctx is
// still in force.
func (w *watcher) settle(ctx context.Context) bool {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	pause := time.NewTimer(quiet)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-deadline.C:
			return true
		case <-pause.C:
			return true
		case <-w.system.Errors: // such as more changes than the system counts
			w.unsure = true
			pause.Reset(quiet)
		case event := <-w.system.Events:
			w.note(event)
			pause.Reset(quiet)
		}
	}
}
