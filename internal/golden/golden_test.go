package golden

import (
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var format = Format{
	Inputs: []string{"in"}, OptionalInputs: []string{"settings"},
	Results: []string{"out"}, OptionalResults: []string{"more"},
}

func TestCheckFindsWhatAFileLacks(t *testing.T) {
	for _, test := range []struct{ file, want string }{
		{"A sentence.\n-- in --\n-- out --\n", ""},
		{"A sentence.\n\nAnd why.\n-- in --\n-- settings --\n-- out --\n-- more --\n", ""},
		{"A sentence.\n-- out --\n", "section in is missing"},
		{"A sentence.\n-- in --\n", "section out is missing"},
		{"-- in --\n-- out --\n", "not a sentence"},
		{"no sentence\n-- in --\n-- out --\n", "not a sentence"},
		{"A sentence.\n-- in --\n-- out --\n-- ouch --\n", "section ouch is not known"},
		{"A sentence.\n-- in --\n-- out --\n-- out --\n", "section out stands twice"},
	} {
		err := format.Check(txtar.Parse([]byte(test.file)))
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("Check(%q) = %v, want %q", test.file, err, test.want)
		}
	}
}

func TestRunHandsInputsAndComparesResults(t *testing.T) {
	format.Run(t, "testdata", func(t *testing.T, inputs map[string]string) map[string]string {
		if len(inputs) != 1 {
			t.Errorf("inputs %v, want in only", inputs)
		}
		return map[string]string{"out": strings.ToUpper(inputs["in"])}
	})
}
