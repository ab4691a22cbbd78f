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
	"syscall"
	"time"
)

// Limits of what is read. What goes beyond them is a Problem.
const (
	maxFileBytes  = 10 << 20
	maxTotalBytes = 256 << 20
	maxFiles      = 20_000
	maxDirs       = 5_000
	maxDepth      = 32
)

// tree is what one walk over the directory found.
type tree struct {
	// files are sorted by name.
	files []found
	// dirs are the directories to be watched, by real path. The value is what
	// the names of their files begin with.
	dirs map[string]string
	// failures are places that could not be read or are beyond a limit.
	failures []failure
}

type failure struct {
	name string
	err  error
}

// found is a manifest file of the tree.
type found struct {
	// name is relative to the directory, with slashes.
	name string
	path string
	info stamp
}

// stamp tells one state of a file from another without reading it.
type stamp struct {
	device, inode uint64
	size          int64
	modified      time.Time
}

func stampOf(info fs.FileInfo) stamp {
	s := stamp{size: info.Size(), modified: info.ModTime()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.device, s.inode = uint64(sys.Dev), sys.Ino //nolint:unconvert // Dev is signed on some systems
	}
	return s
}

// settled tells whether a file that was stamped at now cannot have been written
// again with the same stamp: file systems keep times in coarse ticks.
func (s stamp) settled(now time.Time) bool { return now.Sub(s.modified) > 2*time.Second }

// walk finds the manifest files below dir. Symbolic links are followed, each
// real directory once. The error is about dir itself.
func walk(dir string) (*tree, error) {
	t := &tree{dirs: make(map[string]string)}
	if err := t.walk(dir, "", 0); err != nil {
		return nil, err
	}
	slices.SortFunc(t.files, func(a, b found) int { return strings.Compare(a.name, b.name) })
	return t, nil
}

func (t *tree) walk(dir, prefix string, depth int) error {
	path, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	if _, seen := t.dirs[path]; seen {
		return nil
	}
	if len(t.dirs) == maxDirs {
		return fmt.Errorf("more than %d directories: the rest is not read", maxDirs)
	}
	if depth > maxDepth {
		return fmt.Errorf("directories are nested more than %d deep: the rest is not read", maxDepth)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	t.dirs[path] = prefix
	for _, entry := range entries {
		if name := entry.Name(); !temporary(name) {
			t.entry(filepath.Join(dir, name), prefix+name, depth)
		}
	}
	return nil
}

func (t *tree) entry(path, name string, depth int) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// removed since, or a link to nothing
	case err != nil:
		t.failures = append(t.failures, failure{name, err})
	case info.IsDir():
		if err := t.walk(path, name+"/", depth+1); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.failures = append(t.failures, failure{name, err})
		}
	case !info.Mode().IsRegular() || !isManifest(name):
	case len(t.files) == maxFiles:
		t.failures = append(t.failures, failure{name, fmt.Errorf("more than %d files: this one is not read", maxFiles)})
	default:
		t.files = append(t.files, found{name: name, path: path, info: stampOf(info)})
	}
}

func isManifest(name string) bool {
	switch filepath.Ext(name) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

// temporary tells whether an entry's name is one that editors and tools use
// while they write: .x.swp, x~, #x#, 4913 (vim), x.tmp, and all dot names. The
// dot names include ..data, the real directory of a mounted ConfigMap, whose
// files are seen through the links beside it.
func temporary(name string) bool {
	switch {
	case strings.HasPrefix(name, "."), strings.HasPrefix(name, "#"), strings.HasSuffix(name, "~"), name == "4913":
		return true
	}
	switch filepath.Ext(name) {
	case ".tmp", ".temp", ".swp", ".swx", ".bak", ".orig", ".part":
		return true
	}
	return false
}

// readFile reads a manifest file whole.
func readFile(path string) ([]byte, stamp, error) {
	// without O_NONBLOCK a named pipe that took the file's place would block
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, stamp{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, stamp{}, err
	}
	if !info.Mode().IsRegular() {
		return nil, stamp{}, errors.New("not a regular file")
	}
	data, err := readUpTo(f, maxFileBytes)
	return data, stampOf(info), err
}

func readUpTo(r io.Reader, most int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("larger than %d MiB: not read", most>>20)
	}
	return data, err
}
