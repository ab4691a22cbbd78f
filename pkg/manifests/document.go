package manifests

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	yamlnode "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

// document is one YAML or JSON document of a file.
type document struct {
	// text is the document without its separator.
	text []byte
	// line is the file's line, from 1, that text begins on.
	line int
}

// syntaxError is a document that cannot be read, with its line in the file.
type syntaxError struct {
	line int
	err  error
}

func (e *syntaxError) Error() string { return e.err.Error() }
func (e *syntaxError) Unwrap() error { return e.err }

// split cuts a file into documents. A JSON file may hold several values, one
// after the other. In YAML a line that begins with "---" or "..." ends a
// document wherever it stands (YAML 1.2.2, section 9.1.2).
func split(name string, data []byte) ([]document, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if filepath.Ext(name) == ".json" {
		return splitJSON(data)
	}
	var docs []document
	current := document{line: 1}
	start, line := 0, 1
	for at := 0; at < len(data); line++ {
		end := len(data)
		if n := bytes.IndexByte(data[at:], '\n'); n >= 0 {
			end = at + n + 1
		}
		if rest, ok := separator(data[at:end]); ok {
			current.text = data[start:at]
			docs = append(docs, current)
			// what follows "--- " on its line belongs to the next document
			start, current = end-len(rest), document{line: line}
		}
		at = end
	}
	current.text = data[start:]
	return append(docs, current), nil
}

// separator tells whether a line ends a document, and what of the line belongs
// to the next one: at least its line end, so that lines are counted right.
func separator(line []byte) (rest []byte, ok bool) {
	if !bytes.HasPrefix(line, []byte("---")) && !bytes.HasPrefix(line, []byte("...")) {
		return nil, false
	}
	rest = line[3:]
	if len(rest) > 0 && !bytes.ContainsRune([]byte(" \t\r\n"), rune(rest[0])) {
		return nil, false
	}
	return rest, true
}

func splitJSON(data []byte) ([]document, error) {
	var docs []document
	dec := json.NewDecoder(bytes.NewReader(data))
	lineAt := func(offset int64) int {
		offset = min(offset, int64(len(data)))
		return 1 + bytes.Count(data[:offset], []byte("\n"))
	}
	for {
		var raw json.RawMessage
		err := dec.Decode(&raw)
		if err == io.EOF {
			return docs, nil
		}
		if err != nil {
			at := dec.InputOffset()
			var syntax *json.SyntaxError
			if errors.As(err, &syntax) {
				at = syntax.Offset
			}
			return docs, &syntaxError{lineAt(at), fmt.Errorf("not valid JSON: %w", err)}
		}
		docs = append(docs, document{text: raw, line: lineAt(dec.InputOffset() - int64(len(raw)))})
	}
}

// skipComments moves the document's beginning to its first line that has
// content, and tells whether there is one.
func (d *document) skipComments() bool {
	for len(d.text) > 0 {
		line, rest, found := bytes.Cut(d.text, []byte("\n"))
		if content := bytes.TrimSpace(line); len(content) > 0 && content[0] != '#' && content[0] != '%' {
			return true
		}
		d.text = rest
		if found {
			d.line++
		}
	}
	return false
}

// toJSON converts the document, which must be a mapping without duplicate keys.
func (d *document) toJSON() ([]byte, error) {
	out, err := yaml.YAMLToJSONStrict(d.text)
	if err != nil {
		line, text := yamlErrorLine(err)
		return nil, &syntaxError{d.line + line - 1, fmt.Errorf("not valid YAML: %s", text)}
	}
	if len(out) == 0 || out[0] != '{' {
		return nil, &syntaxError{d.line, errNoObject}
	}
	return out, nil
}

var yamlErrorPlace = regexp.MustCompile(`^(?:yaml: )?(?:unmarshal errors:\s*)?line (\d+): `)

// yamlErrorLine takes the line, from 1, out of an error of the YAML library,
// and returns its text without it. An error without a line is about the first.
func yamlErrorLine(err error) (int, string) {
	text := strings.TrimPrefix(err.Error(), "error converting YAML to JSON: ")
	place := yamlErrorPlace.FindStringSubmatch(text)
	if place == nil {
		return 1, strings.TrimPrefix(text, "yaml: ")
	}
	line, convErr := strconv.Atoi(place[1])
	if convErr != nil || line < 1 {
		line = 1
	}
	text = text[len(place[0]):]
	if strings.HasPrefix(text, "did not find expected ") {
		line++ // the parser, unlike the scanner, counts lines from 0
	}
	return line, text
}

// itemLines returns the lines in the file of the entries of the document's
// "items", or nil if they cannot be told.
func (d *document) itemLines() []int {
	var root yamlnode.Node
	if yamlnode.Unmarshal(d.text, &root) != nil || len(root.Content) == 0 {
		return nil
	}
	top := root.Content[0]
	for i := 0; i+1 < len(top.Content); i += 2 {
		if top.Content[i].Value != "items" {
			continue
		}
		lines := make([]int, len(top.Content[i+1].Content))
		for k, item := range top.Content[i+1].Content {
			lines[k] = d.line + item.Line - 1
		}
		return lines
	}
	return nil
}
