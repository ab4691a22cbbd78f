package check

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// WriteJSON writes r as JSON.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// place is where an object was written, in the form that editors and CI read.
func place(file string, line int) string {
	if file == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d: ", file, line)
}

func (p *Path) String() string {
	text := p.Host + p.Path + "  " + p.Match + "  " + p.To
	if p.CanaryOf != "" {
		text += "  canary of " + p.CanaryOf
	}
	if p.Denied != "" {
		text += "  (" + p.Denied + ")"
	}
	return text
}

// WriteText writes r for people at a terminal.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	for i := range r.Ingresses {
		in := &r.Ingresses[i]
		fmt.Fprintf(&b, "%sIngress %s  class %s  %s\n", place(in.File, in.Line), in.Ingress, in.Class, strings.ToUpper(in.Verdict))
		for _, p := range in.Paths {
			fmt.Fprintf(&b, "  path       %s\n", p.String())
		}
		for _, g := range in.InEffect {
			fmt.Fprintf(&b, "  in effect  %s: %s\n", g.Annotation, oneLine(g.Value))
		}
		for _, f := range in.Findings {
			fmt.Fprintf(&b, "  %-9s  %s: %s\n", f.Level, f.Reason, f.Message)
		}
		for _, s := range in.Snippets {
			fmt.Fprintf(&b, "  instead    %s, line %d: %s\n             -> %s\n", s.Annotation, s.Line, s.Directive, cmp.Or(s.Instead, nothing))
		}
		for _, m := range in.Missing {
			fmt.Fprintf(&b, "  not here   %s\n", m)
		}
		b.WriteString("\n")
	}
	for _, line := range r.Streams {
		b.WriteString("stream " + line + "\n")
	}
	if len(r.Others) > 0 {
		b.WriteString("other objects\n")
		for _, f := range r.Others {
			fmt.Fprintf(&b, "  %-10s  %s%s  %s: %s\n", f.Level, place(f.File, f.Line), f.Object, f.Reason, f.Message)
		}
		b.WriteString("\n")
	}
	for _, n := range r.Notes {
		b.WriteString("note: " + n + "\n")
	}
	b.WriteString(r.Totals.String() + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// nothing is told of a directive that no setting does the same as.
const nothing = "no setting does the same: it needs the application, or a proxy of its own"

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// String is one line.
func (t Totals) String() string {
	text := fmt.Sprintf("%s: %d work as before, %d with changes, %d refused in whole or in part",
		count(t.Ingresses, "Ingress", "Ingresses"), t.Works, t.Changes, t.Refused)
	if t.NotLookedAt > 0 {
		text += fmt.Sprintf("; %d of other classes", t.NotLookedAt)
	}
	return text
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// WriteMarkdown writes r for a comment on a change, or a page of a wiki.
func (r *Report) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# What becomes of the Ingresses\n\n%s.\n", r.Totals)
	if len(r.Ingresses) > 0 {
		b.WriteString("\n| Ingress | class | | to do |\n| --- | --- | --- | --- |\n")
	}
	for i := range r.Ingresses {
		in := &r.Ingresses[i]
		var todo []string
		for _, f := range in.Findings {
			if f.Level > Note {
				todo = append(todo, text(f.Message))
			}
		}
		verdict := in.Verdict
		if verdict != "works" {
			verdict = "**" + verdict + "**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", code(in.Ingress), code(in.Class), verdict, strings.Join(todo, "<br>"))
	}
	for i := range r.Ingresses {
		r.Ingresses[i].writeMarkdown(&b)
	}
	if len(r.Streams) > 0 {
		b.WriteString("\n## TCP and UDP services\n\n")
		for _, line := range r.Streams {
			b.WriteString("- " + code(line) + "\n")
		}
	}
	if len(r.Others) > 0 {
		b.WriteString("\n## Other objects\n\n")
		for _, f := range r.Others {
			fmt.Fprintf(&b, "- **%s** %s %s\n", f.Level, code(place(f.File, f.Line)+f.Object), text(f.Message))
		}
	}
	if len(r.Notes) > 0 {
		b.WriteString("\n## Notes\n\n")
		for _, n := range r.Notes {
			b.WriteString("- " + text(n) + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (in *Ingress) writeMarkdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n## Ingress %s\n\n", text(in.Ingress))
	if in.File != "" {
		fmt.Fprintf(b, "In %s.\n\n", code(fmt.Sprintf("%s:%d", in.File, in.Line)))
	}
	for _, p := range in.Paths {
		to := code(p.To)
		if p.CanaryOf != "" {
			to += ", canary of " + code(p.CanaryOf)
		}
		if p.Denied != "" {
			to = "**503**: " + text(p.Denied)
		}
		fmt.Fprintf(b, "- %s (%s) → %s\n", code(p.Host+p.Path), p.Match, to)
	}
	for _, f := range in.Findings {
		fmt.Fprintf(b, "- **%s** %s\n", f.Level, text(f.Message))
	}
	for _, s := range in.Snippets {
		fmt.Fprintf(b, "- instead of %s: %s\n", code(s.Directive), text(cmp.Or(s.Instead, nothing)))
	}
	if len(in.InEffect) > 0 {
		var list []string
		for _, g := range in.InEffect {
			list = append(list, code(g.Annotation+": "+oneLine(g.Value)))
		}
		fmt.Fprintf(b, "- in effect: %s\n", strings.Join(list, ", "))
	}
	if len(in.Missing) > 0 {
		fmt.Fprintf(b, "- not in these files: %s\n", text(strings.Join(in.Missing, ", ")))
	}
}

// text makes a text of somebody else's harmless in Markdown: it stays on its line and
// in its cell, and is no markup.
func text(s string) string { return markup.Replace(oneLine(s)) }

var markup = strings.NewReplacer("\\", "\\\\", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[", "]", "\\]", "<", "\\<", ">", "\\>", "|", "\\|", "~", "\\~")

// code puts a text in code font, whatever it holds.
func code(s string) string {
	s = strings.ReplaceAll(oneLine(s), "|", `\|`)
	if s == "" {
		return ""
	}
	if strings.Contains(s, "`") {
		return "`` " + strings.ReplaceAll(s, "``", "` `") + " ``"
	}
	return "`" + s + "`"
}
