package annotation

import (
	"fmt"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

var allocationMode = define("allocation-mode", Path|Listener,
	"Where the memory of exchanges comes from: standard. On an IngressClass also where that of connections comes from.",
	parseMode,
	func(v *Values, m model.AllocationMode) {
		v.Options.AllocationMode = m
		v.Listener.AllocationMode = m
	})

// parseMode reads the name of an allocation mode. It fails for a mode that this
// build does not have.
func parseMode(text string, _ dialect) (model.AllocationMode, error) {
	switch m := model.AllocationMode(text); {
	case m.Available():
		return m, nil
	case m == model.AllocArena || m == model.AllocGreenTea:
		return "", fmt.Errorf("this build has only %s", modeNames())
	}
	return "", fmt.Errorf("not an allocation mode: this build has %s", modeNames())
}

func modeNames() string {
	names := make([]string, len(model.AvailableModes))
	for i, m := range model.AvailableModes {
		names[i] = string(m)
	}
	return strings.Join(names, ", ")
}
