package pattern

import (
	"strings"
	"testing"
)

func TestSearchBoundsWhatAnExpressionCosts(t *testing.T) {
	for _, text := range []string{"^(ann|bob)$", "CN=[a-z.]{1,64},O=Shop", strings.Repeat("name|", 200), "(?i)v[0-9]+"} {
		if _, err := Search(text); err != nil {
			t.Errorf("%.40q: %v", text, err)
		}
	}
	for _, text := range []string{strings.Repeat("x{1000}", 70), "(((.{9}){9}){9})(((.{9}){9}){9})(((.{9}){9}){9})(((.{9}){9}){9})(((.{9}){9}){9})(((.{9}){9}){9})", "(", "a{1001}"} {
		if _, err := Search(text); err == nil {
			t.Errorf("%.40q is an expression", text)
		}
	}
}

func TestOfMap(t *testing.T) {
	for text, want := range map[string][2]bool{ // whether it matches a BOT, and a bot
		"~bot": {false, true}, "~*bot": {true, true}, "~*^B.T$": {true, true}, "~": {true, true},
	} {
		re, err := OfMap(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]bool{re.MatchString("BOT"), re.MatchString("bot")}; got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	for _, text := range []string{"", "bot", "*bot", "(", "a~b"} {
		if re, err := OfMap(text); re != nil || err != nil {
			t.Errorf("%q: %v, %v", text, re, err)
		}
	}
	for text, want := range map[string]string{
		"~*(bot":                            "error parsing regexp: missing closing ): `(bot`", // as it is written
		"~" + strings.Repeat("x{1000}", 4):  errProgram.Error(),
		"~*" + strings.Repeat("x{1000}", 4): errProgram.Error(),
	} {
		if _, err := OfMap(text); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
