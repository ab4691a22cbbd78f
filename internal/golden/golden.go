// Package golden runs tests that are pages: text files with a sentence, some
// input and the expected results. `go test ./some/package -update` writes the
// results anew, and the diff is what is reviewed.
//
// A file is a txtar archive. Its first line is a sentence that says what is
// shown; more lines may explain it. Then come the sections, inputs first:
//
//	The oldest Ingress keeps a path that two of them claim.
//
//	-- objects.yaml --
//	…
//	-- config --
//	…
package golden

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write the results of golden files anew")

// Format says which sections the files of a test have.
type Format struct {
	// Inputs must be there, and OptionalInputs may.
	Inputs, OptionalInputs []string
	// Results must be there, and OptionalResults may; a file with an optional
	// result has it checked.
	Results, OptionalResults []string
}

// Run runs each file dir/*.txt as a subtest of its name. produce makes the
// results from the inputs; it may leave out optional results.
func (f Format) Run(t *testing.T, dir string, produce func(t *testing.T, inputs map[string]string) map[string]string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no golden files in %s (%v)", dir, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				archive.Files = append(archive.Files, f.missingResults(archive)...)
			}
			if err := f.Check(archive); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			f.compare(t, path, archive, produce(t, f.inputs(archive)))
		})
	}
}

// compare checks the results of one file, or writes them.
func (f Format) compare(t *testing.T, path string, archive *txtar.Archive, got map[string]string) {
	for i := range archive.Files {
		section := &archive.Files[i]
		if !f.isResult(section.Name) {
			continue
		}
		result := got[section.Name]
		if *update {
			section.Data = []byte(result)
		} else if diff := cmp.Diff(string(section.Data), result); diff != "" {
			t.Errorf("%s of %s (-file +result):\n%s", section.Name, path, diff)
		}
	}
	if *update {
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Check tells what a file lacks, or has that it should not.
func (f Format) Check(archive *txtar.Archive) error {
	var errs []error
	sentence, _, _ := strings.Cut(string(archive.Comment), "\n")
	if !strings.HasSuffix(sentence, ".") {
		errs = append(errs, errors.New("the first line is not a sentence"))
	}
	seen := make(map[string]bool)
	for _, section := range archive.Files {
		if seen[section.Name] {
			errs = append(errs, fmt.Errorf("section %s stands twice", section.Name))
		}
		seen[section.Name] = true
		if !slices.Contains(f.all(), section.Name) {
			errs = append(errs, fmt.Errorf("section %s is not known", section.Name))
		}
	}
	for _, name := range slices.Concat(f.Inputs, f.Results) {
		if !seen[name] {
			errs = append(errs, fmt.Errorf("section %s is missing", name))
		}
	}
	return errors.Join(errs...)
}

func (f Format) all() []string {
	return slices.Concat(f.Inputs, f.OptionalInputs, f.Results, f.OptionalResults)
}

func (f Format) isResult(name string) bool {
	return slices.Contains(f.Results, name) || slices.Contains(f.OptionalResults, name)
}

func (f Format) inputs(archive *txtar.Archive) map[string]string {
	inputs := make(map[string]string)
	for _, section := range archive.Files {
		if !f.isResult(section.Name) {
			inputs[section.Name] = string(section.Data)
		}
	}
	return inputs
}

// missingResults are empty sections for the results that a new file lacks.
func (f Format) missingResults(archive *txtar.Archive) []txtar.File {
	var missing []txtar.File
	for _, name := range f.Results {
		if !slices.ContainsFunc(archive.Files, func(s txtar.File) bool { return s.Name == name }) {
			missing = append(missing, txtar.File{Name: name})
		}
	}
	return missing
}
