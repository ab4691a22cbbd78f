package manifests

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/translate"
)

// The reasons of Problems that only files can have.
const (
	// ReasonUnknownField is a field that the kind does not have, such as a
	// misspelt one, or a field that is given twice.
	ReasonUnknownField = "UnknownField"
	// ReasonNoObject is a document that is no object of Kubernetes, such as the
	// values of a Helm chart.
	ReasonNoObject = "NotAnObject"
	// ReasonDuplicate is an object that an earlier document has defined.
	ReasonDuplicate = "DuplicateObject"
)

// emptyFor is how long a file must stay empty before its objects are dropped:
// a shell empties a file that it is about to write.
const emptyFor = time.Second

// ReadAll returns the objects of several files and directories, which are one set.
// "-" stands for in. Files have in Problems the names that they have from the
// working directory. The error is about paths and in; what is wrong with their
// content is a Problem of the result.
func ReadAll(paths []string, in io.Reader) (*translate.Objects, error) {
	var files []*file
	var failures []failure
	var total int64
	for _, path := range paths {
		if path == "-" {
			const name = "standard input"
			data, err := readUpTo(in, maxTotalBytes) // which may be all Ingresses of a cluster
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", name, err)
			}
			files = append(files, &file{name: name, content: decodeFile(name, data)})
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			data, _, err := readFile(path)
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", path, err)
			}
			files = append(files, &file{name: path, content: decodeFile(path, data)})
			continue
		}
		t, err := walk(path)
		if err != nil {
			return nil, err
		}
		for _, f := range t.files {
			name := filepath.Join(path, f.name)
			if total += f.info.size; total > maxTotalBytes {
				failures = append(failures, tooMuch(name))
				break
			}
			data, _, err := readFile(f.path)
			if err != nil {
				failures = append(failures, failure{name, err})
				continue
			}
			files = append(files, &file{name: name, content: decodeFile(name, data)})
		}
		for _, f := range t.failures {
			failures = append(failures, failure{filepath.Join(path, f.name), f.err})
		}
	}
	a := assemble(files, failures)
	a.admit(nil)
	return a.objs, nil
}

func tooMuch(name string) failure {
	return failure{name, fmt.Errorf("more than %d MiB of manifests: this file and those after it are not read", maxTotalBytes>>20)}
}

// directory is what is known of a directory after a scan.
type directory struct {
	path     string
	files    map[string]*file
	dirs     map[string]string // as in tree
	failures []failure
	// total is the size of all files.
	total int64

	// last is what objects returned last, and edits are the files that
	// changed since, unless more did: then it is stale.
	last  *assembly
	edits []edit
	stale bool
}

// file is one manifest file and what was last read from it.
type file struct {
	name string
	// stamp is the state that was read, and read when that was.
	stamp stamp
	read  time.Time
	// emptySince is when the file was first seen empty. Zero if it is not.
	emptySince time.Time
	content    content
}

func newDirectory(path string) *directory {
	return &directory{path: path, files: make(map[string]*file)}
}

// scan reads the files that changed and tells whether anything did. The error
// is about the directory itself, which is then left as it was known.
func (d *directory) scan(now time.Time) (changed bool, err error) {
	t, err := walk(d.path)
	if err != nil {
		return false, err
	}
	files := make(map[string]*file, len(t.files))
	var total int64
	for _, f := range t.files {
		total += f.info.size
		if total > maxTotalBytes {
			t.failures = append(t.failures, tooMuch(f.name))
			break
		}
		known := d.files[f.name]
		if known != nil && known.stamp == f.info && known.stamp.settled(known.read) && known.emptySince.IsZero() {
			files[f.name] = known
			continue
		}
		next, differs := reread(f, known, now)
		if next == nil {
			continue // removed since
		}
		files[f.name] = next
		changed = changed || differs
	}
	changed = changed || len(files) != len(d.files) || !slices.EqualFunc(t.failures, d.failures, sameFailure)
	for name := range files {
		changed = changed || d.files[name] == nil
	}
	d.stale = d.stale || changed
	d.files, d.dirs, d.failures, d.total = files, t.dirs, t.failures, total
	return changed, nil
}

// update reads those of the paths again that are files known from the last
// scan, and tells whether one of them changed. It is not complete when there is
// more to be seen than that, such as a new file: then a scan is needed.
func (d *directory) update(paths map[string]struct{}, now time.Time) (changed, complete bool) {
	for path := range paths {
		base := filepath.Base(path)
		if temporary(base) && !strings.HasPrefix(base, "..") {
			continue // "..data" is what the files of a mounted ConfigMap are links through
		}
		prefix, inside := d.dirs[filepath.Dir(path)]
		known := d.files[prefix+base]
		info, err := os.Lstat(path)
		if !inside || known == nil || err != nil || !info.Mode().IsRegular() ||
			d.total-known.stamp.size+info.Size() > maxTotalBytes {
			return changed, false
		}
		next, differs := reread(found{name: known.name, path: path, info: stampOf(info)}, known, now)
		if next == nil {
			return changed, false
		}
		d.total += next.stamp.size - known.stamp.size
		d.files[known.name] = next
		if differs {
			changed = true
			d.edits = append(d.edits, edit{known.content, next.content})
		}
	}
	return changed, true
}

func sameFailure(a, b failure) bool { return a.name == b.name && a.err.Error() == b.err.Error() }

// reread returns the file as it is now and whether it differs from what was
// known of it. A file that cannot be read whole keeps what was good of it. It
// returns nil for a file that is not there any more.
func reread(f found, known *file, now time.Time) (next *file, differs bool) {
	data, stamped, err := readFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, true
	}
	next = &file{name: f.name, stamp: stamped, read: now}
	if err != nil {
		next.stamp = f.info
		next.content = content{broken: true, problems: []model.Problem{parseProblem(f.name, 0, sentence(err.Error()))}}
	} else {
		next.content = decodeFile(f.name, data)
	}
	if known == nil {
		return next, true
	}
	if len(data) == 0 && err == nil && len(known.content.objects) > 0 {
		next.emptySince = known.emptySince
		if next.emptySince.IsZero() {
			next.emptySince = now
		}
		if now.Sub(next.emptySince) < emptyFor {
			next.content = known.content
			return next, false
		}
		next.emptySince = time.Time{}
	}
	if next.content.broken && len(known.content.objects) > 0 && (!known.content.broken || known.content.kept) {
		next.keep(known)
	}
	differs = !next.content.equal(known.content)
	next.content.reuse(known.content)
	return next, differs
}

// reuse takes over the objects that were read before and are still the same, so
// that who compares pointers sees what has changed.
func (c *content) reuse(last content) {
	known := make(map[translate.ObjectKey]client.Object, len(last.objects))
	for _, o := range last.objects {
		known[keyOf(o)] = o.object
	}
	for i, o := range c.objects {
		if k := known[keyOf(o)]; k != nil && k.GetResourceVersion() == o.object.GetResourceVersion() {
			c.objects[i].object = k
		}
	}
}

// keepsLast is what a Problem says of a file that was good before.
const keepsLast = " The file's last good objects stay in use."

// keep replaces what can be read of a broken file by what was good of it.
func (f *file) keep(last *file) {
	f.content.objects, f.content.ignored = last.content.objects, last.content.ignored
	for i := range f.content.problems {
		if reason := f.content.problems[i].Reason; reason == model.ReasonParse || reason == ReasonNoObject {
			f.content.problems[i].Message += keepsLast
		}
	}
	f.content.kept = true
}

// equal tells whether two contents would be served and reported alike.
// Resource versions stand for the objects' content.
func (c content) equal(other content) bool {
	return c.broken == other.broken && c.kept == other.kept &&
		slices.Equal(c.problems, other.problems) &&
		slices.EqualFunc(c.objects, other.objects, func(a, b object) bool {
			return a.line == b.line && keyOf(a) == keyOf(b) &&
				a.object.GetResourceVersion() == b.object.GetResourceVersion()
		})
}

// objects puts the files together, in the order of their names.
func (d *directory) objects() *translate.Objects {
	var next *assembly
	if !d.stale {
		next = d.last.edited(d.edits)
	}
	if next == nil {
		next = d.assemble()
	}
	next.admit(d.last)
	d.last, d.edits, d.stale = next, nil, false
	return next.objs
}

func (d *directory) assemble() *assembly {
	files := make([]*file, 0, len(d.files))
	for _, f := range d.files {
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b *file) int { return strings.Compare(a.name, b.name) })
	return assemble(files, d.failures)
}
