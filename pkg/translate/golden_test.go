package translate

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/shockwave-ingress/shockwave/internal/golden"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// pages is the form of the files in testdata; testdata/README.md explains it.
var pages = golden.Format{
	Inputs:          []string{"objects.yaml"},
	OptionalInputs:  []string{"settings"},
	Results:         []string{"config", "problems"},
	OptionalResults: []string{"endpoints"},
}

func TestPages(t *testing.T) {
	pages.Run(t, "testdata", func(t *testing.T, inputs map[string]string) map[string]string {
		objs := readObjects(t, inputs["objects.yaml"])
		settings := readSettings(t, inputs["settings"])
		config, problems := Build(objs, settings)
		finder := EndpointFinder{Zone: settings.EndpointZone()}
		return map[string]string{
			"config":    config.String(),
			"problems":  printProblems(problems),
			"endpoints": finder.Of(objs, config).String(),
		}
	})
}

// pageSettings are the settings of a page that names none: every Ingress is
// ours.
func pageSettings() Settings {
	return Settings{
		ControllerClass:          "shockwave.dev/ingress-controller",
		IngressClass:             "shockwave",
		WatchIngressWithoutClass: true,
		AnnotationsPrefix:        "nginx.ingress.kubernetes.io",
	}
}

func readSettings(t *testing.T, text string) Settings {
	settings := pageSettings()
	if err := yaml.UnmarshalStrict([]byte(text), &settings); err != nil {
		t.Fatalf("settings: %v", err)
	}
	return settings
}

func printProblems(problems []model.Problem) string {
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(p.String() + "\n")
	}
	return b.String()
}
