package annotation

import (
	"fmt"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

var allocationMode = define("allocation-mode", Path|Listener,
	"Where the memory of exchanges comes from: "+modeNames+". On an IngressClass also where that of connections comes from.",
	parseMode,
	func(v *Values, m model.AllocationMode) {
		v.Options.AllocationMode = m
		v.Listener.AllocationMode = m
	}).remembering(func(v *Values, from string) {
	v.Options.AllocationModeFrom = from
	v.Listener.AllocationModeFrom = from
}).example("arena").defaults("standard")

// parseMode reads the name of an allocation mode.
func parseMode(text string, _ dialect) (model.AllocationMode, error) {
	if m := model.AllocationMode(text); m.Known() {
		return m, nil
	}
	names := make([]string, len(model.AllocationModes))
	for i, m := range model.AllocationModes {
		names[i] = string(m)
	}
	if near := suggest(strings.ToLower(model.Excerpt(text)), names); near != "" {
		return "", fmt.Errorf("want %s: did you mean %s?", modeNames, near)
	}
	return "", fmt.Errorf("want %s", modeNames)
}

// modeNames are the modes in a sentence.
const modeNames = string(model.AllocStandard + ", " + model.AllocArena + " or " + model.AllocGreenTea)
