package report

import (
	"encoding/json"
	"fmt"
	"os"
)

// Save writes results as JSON, one round of one contestant in a line: each object that
// is an element or follows one begins a line.
func Save(path string, results any) error {
	text, err := json.Marshal(results)
	if err != nil {
		return err
	}
	var out []byte
	for i, c := range text {
		if c == '{' && i > 0 && (text[i-1] == '[' || text[i-1] == ',') {
			out = append(out, '\n')
		}
		out = append(out, c)
	}
	return os.WriteFile(path, append(out, '\n'), 0o644)
}

// Read reads what Save has written.
func Read(path string, results any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, results); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
