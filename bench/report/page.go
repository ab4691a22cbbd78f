package report

import (
	"math"
	"strings"
	"text/template"
	"time"
)

// Render makes a page from a template, which may use these functions: bullets makes a
// list of lines, date writes a time, round and gb and kb write numbers, and chance is
// how rarely all of so many rounds fall on one side, either, by chance.
func Render(text string, data any) (string, error) {
	t, err := template.New("page").Funcs(template.FuncMap{
		"bullets": func(lines []string) string { return "- " + strings.Join(lines, "\n- ") },
		"date":    func(t time.Time) string { return t.Format("2 January 2006") },
		"round":   func(v float64) string { return Number(v, 0) },
		"gb":      func(n float64) string { return Number(n/1e9, 1) },
		"kb":      func(n int) string { return Number(float64(n)/1e3, 1) },
		"chance":  func(rounds int) string { return Number(math.Exp2(float64(rounds-1)), 0) },
	}).Parse(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.Execute(&b, data); err != nil {
		return "", err
	}
	return b.String(), nil
}
