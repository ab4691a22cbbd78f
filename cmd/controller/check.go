package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/annotation"
	"github.com/shockwave-ingress/shockwave/pkg/certs"
	"github.com/shockwave-ingress/shockwave/pkg/manifests"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/settings"
	"github.com/shockwave-ingress/shockwave/pkg/translate"
	"github.com/shockwave-ingress/shockwave/pkg/variable"
)

const aboutCheck = `Check reads manifests and prints what would be served, and every problem in them:
misspelt annotations, values that do not parse, conflicts, missing Services and
Secrets. It talks to no cluster. It exits with 1 when there are problems.`

// newCheck is `shockwave check`.
func newCheck() *cobra.Command {
	s := settings.Default()
	var file, output string
	cmd := &cobra.Command{
		Use:   "check -f FILE|DIR|-",
		Short: "Print what manifests would serve, and their problems",
		Long:  aboutCheck,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" {
				return errors.New("say what to check: -f FILE, -f DIR, or -f - for the standard input")
			}
			if output != "text" && output != "json" {
				return fmt.Errorf("--output: %q is neither text nor json", output)
			}
			if err := s.Validate(); err != nil {
				return err
			}
			return check(cmd.InOrStdin(), cmd.OutOrStdout(), file, output, s)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&file, "filename", "f", "", "File or directory of manifests, or - for the standard input.")
	flags.StringVarP(&output, "output", "o", "text", "Form of the output: text or json.")
	s.RegisterReading(flags)
	return cmd
}

// problemsError is what a check ends with that found problems: their number.
type problemsError int

func (n problemsError) Error() string {
	if n == 1 {
		return "there is 1 problem"
	}
	return fmt.Sprintf("there are %d problems", int(n))
}

// check prints what the manifests of file would serve.
func check(in io.Reader, out io.Writer, file, output string, s settings.Settings) error {
	result, err := readChecked(in, file, s)
	if err != nil {
		return err
	}
	if output == "json" {
		err = result.writeJSON(out)
	} else {
		err = result.writeText(out)
	}
	if n := len(result.problems); err == nil && n > 0 {
		err = problemsError(n)
	}
	return err
}

// readChecked reads and translates the manifests of file.
func readChecked(in io.Reader, file string, s settings.Settings) (checked, error) {
	var objs *translate.Objects
	var err error
	if file == "-" {
		objs, err = manifests.ReadFrom(in, "standard input")
	} else {
		objs, err = manifests.Read(file)
	}
	if err != nil {
		return checked{}, fmt.Errorf("--filename: %w", err)
	}
	how := translation(s)
	how.Now = time.Now()
	config, problems := translate.Build(objs, how)
	endpoints := translate.EndpointFinder{Zone: how.EndpointZone()}
	return checked{config, endpoints.Of(objs, config), problems, len(objs.Ingresses)}, nil
}

// checked is the result of a check.
type checked struct {
	config    *model.Config
	endpoints model.Endpoints
	problems  []model.Problem
	ingresses int // of any class
}

func (c checked) writeText(w io.Writer) error {
	_, err := io.WriteString(w, c.config.String())
	if len(c.config.Hosts) == 0 {
		_, e := fmt.Fprintln(w, c.nothing())
		err = errors.Join(err, e)
	}
	if len(c.endpoints) > 0 {
		_, e := fmt.Fprintf(w, "\nendpoints\n%s", c.endpoints)
		err = errors.Join(err, e)
	}
	if len(c.problems) > 0 {
		_, e := io.WriteString(w, "\nproblems\n")
		err = errors.Join(err, e)
	}
	for _, p := range c.problems {
		_, e := fmt.Fprintln(w, p)
		err = errors.Join(err, e)
	}
	return err
}

// nothing says why there is no host.
func (c checked) nothing() string {
	if c.ingresses == 0 {
		return "# nothing is served: there is no Ingress"
	}
	return fmt.Sprintf("# nothing is served, although there are Ingresses (%d): "+
		"see spec.ingressClassName, the IngressClass it names, --controller-class and the problems", c.ingresses)
}

func (c checked) writeJSON(w io.Writer) error {
	if c.problems == nil {
		c.problems = []model.Problem{}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Config    *model.Config   `json:"config"`
		Endpoints model.Endpoints `json:"endpoints"`
		Problems  []model.Problem `json:"problems"`
	}{c.config, c.endpoints, c.problems})
}

// checks ask the data plane what it makes of values.
var checks = &annotation.Checks{
	Expression: func(text string) error {
		_, err := variable.Compile(text, variable.Request)
		return err
	},
	LogFormat: func(text string) ([]error, error) {
		_, absent, err := variable.CompileFormat(text, variable.Log)
		return absent, err
	},
	Ciphers: func(text string) ([]string, error) {
		_, ignored, err := certs.ParseCiphers(text)
		return ignored, err
	},
}

// translation are the settings that decide how objects are read. They are valid.
func translation(s settings.Settings) translate.Settings {
	mode := ""
	if s.AllocationMode.Given {
		mode = s.AllocationMode.Name
	}
	profile := model.Profile(s.Compatibility)
	if s.Compatibility == settings.CompatibilityAuto {
		profile = ""
	}
	return translate.Settings{
		Profile:                  profile,
		ControllerClass:          s.ControllerClass,
		IngressClass:             s.IngressClass,
		IngressClassByName:       s.IngressClassByName,
		WatchIngressWithoutClass: s.WatchIngressWithoutClass,
		WatchNamespace:           s.WatchNamespace,
		ConfigMap:                objectName(s.ConfigMap),
		TCPServices:              objectName(s.TCPServicesConfigMap),
		UDPServices:              objectName(s.UDPServicesConfigMap),
		HTTPSPort:                uint16(s.HTTPSPort),
		ReservedPorts:            [8]uint16{uint16(s.HTTPPort), uint16(s.HTTPSPort), uint16(s.HealthzPort)},
		DefaultSSLCertificate:    objectName(s.DefaultSSLCertificate),
		DefaultBackendService:    objectName(s.DefaultBackendService),
		AnnotationsPrefix:        s.AnnotationsPrefix,
		AllocationMode:           model.AllocationMode(mode),
		DefaultAllocationMode:    model.AllocationMode(alloc.Built().Default.String()),
		DisableExternalName:      s.DisableExternalName,
		EnableSSLPassthrough:     s.EnableSSLPassthrough,
		TopologyAware:            s.EnableTopologyAwareRouting,
		Zone:                     s.TopologyZone,
		Checks:                   checks,
	}
}
