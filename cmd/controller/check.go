package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/annotation"
	"github.com/shockwave-ingress/shockwave/pkg/certs"
	"github.com/shockwave-ingress/shockwave/pkg/check"
	"github.com/shockwave-ingress/shockwave/pkg/manifests"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/reconcile"
	"github.com/shockwave-ingress/shockwave/pkg/settings"
	"github.com/shockwave-ingress/shockwave/pkg/translate"
	"github.com/shockwave-ingress/shockwave/pkg/variable"
)

const aboutCheck = `Check tells what becomes of Ingresses: which of their annotations are in effect, what
would change for their traffic, and which of their paths are refused, with the file and
line of each. It reads manifests, or once, without writing anything, a cluster:

  shockwave check -f manifests/ -f more.yaml
  helm template chart | shockwave check -f -
  kubectl get ingress -A -o yaml | shockwave check -f -
  shockwave check --cluster

Where no flag says which class is meant, it is that of ingress-nginx if an Ingress has
it, else that of Shockwave. What manifests refer to and do not hold, such as a Secret
that cert-manager will make, is listed and is no problem, unless --complete says that
they are all there is.

It exits with 0 when --fail-on finds nothing, 1 when it does, and 2 when something could
not be read.`

// The forms of what check prints.
var checkOutputs = []string{"text", "json", "markdown", "model", "model-json"}

// failOn are the levels that --fail-on takes, each with the least that is a failure.
var failOn = map[string]check.Level{
	"any": check.Note, "changes": check.Changes, "refused": check.Refused, "never": check.Unreadable,
}

// checking are the flags of check.
type checking struct {
	files          []string
	cluster        bool
	kubeconfig     string
	output, failOn string
	options        check.Options
}

// newCheck is `shockwave check`.
func newCheck() *cobra.Command {
	s := settings.Default()
	var c checking
	cmd := &cobra.Command{
		Use:   "check -f FILE|DIR|-… | --cluster",
		Short: "Tell what becomes of Ingresses: what works, what changes, what is refused",
		Long:  aboutCheck,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.options.ClassGiven = classGiven(cmd.Flags())
			err := c.validate(s)
			if err == nil {
				err = c.run(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout(), s)
			}
			var found problemsError
			if err != nil && !errors.As(err, &found) {
				err = inputError{err}
			}
			return err
		},
	}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return inputError{fmt.Errorf("%w: see `%s --help`", err, cmd.CommandPath())}
	})
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringArrayVarP(&c.files, "filename", "f", nil, "File or directory of manifests, or - for the standard input; may be repeated.")
	flags.BoolVar(&c.cluster, "cluster", false, "Read the cluster of the kubeconfig in place of manifests.")
	flags.StringVar(&c.kubeconfig, "kubeconfig", "", "Kubeconfig to reach the cluster by, in place of the usual one; reads the cluster.")
	flags.StringVarP(&c.output, "output", "o", "text", "Form of the output: text, json or markdown; model and model-json print what would be served instead.")
	flags.StringVar(&c.failOn, "fail-on", "changes", "What to exit with 1 for: refused paths, changes (which includes them), any problem, or never.")
	flags.BoolVar(&c.options.Complete, "complete", false, "The manifests are all there is: a missing Service or Secret is a problem.")
	s.RegisterReading(flags)
	return cmd
}

// classGiven tells whether a flag says which class is meant.
func classGiven(flags *pflag.FlagSet) bool {
	return flags.Changed("controller-class") || flags.Changed("ingress-class") || flags.Changed("ingress-class-by-name")
}

// validate refuses flags that do not fit.
func (c *checking) validate(s settings.Settings) error {
	c.cluster = c.cluster || c.kubeconfig != ""
	switch _, known := failOn[c.failOn]; {
	case len(c.files) == 0 && !c.cluster:
		return errors.New("say what to check: -f FILE, -f DIR, or -f - for the standard input; or --cluster")
	case len(c.files) > 0 && c.cluster:
		return errors.New("--cluster: manifests are read with -f, or a cluster, not both")
	case !slices.Contains(checkOutputs, c.output):
		return fmt.Errorf("--output: %q is none of %s", c.output, strings.Join(checkOutputs, ", "))
	case !known:
		return fmt.Errorf("--fail-on: %q is none of refused, changes, any, never", c.failOn)
	}
	return s.Validate()
}

// problemsError is what a check ends with that found problems: their number.
type problemsError int

func (n problemsError) Error() string {
	if n == 1 {
		return "there is 1 problem"
	}
	return fmt.Sprintf("there are %d problems", int(n))
}

// inputError is what a check ends with that could not be made.
type inputError struct{ error }

func (e inputError) Unwrap() error { return e.error }

// exitCode is what the process ends with after err.
func exitCode(err error) int {
	if input := (inputError{}); errors.As(err, &input) {
		return 2
	}
	return 1
}

// run prints what becomes of the Ingresses, and tells whether that is a failure.
func (c *checking) run(ctx context.Context, in io.Reader, out io.Writer, s settings.Settings) error {
	how := translation(s)
	how.Now = time.Now()
	var objs *translate.Objects
	var unread []error
	var err error
	if c.cluster {
		c.options.Complete = true
		objs, unread, err = c.read(ctx, how)
	} else {
		objs, err = readFiles(c.files, in)
	}
	if err != nil {
		return err
	}
	c.options.Unread = len(unread) > 0
	report := check.Objects(objs, how, c.options)
	for _, err := range unread {
		report.Notes = append(report.Notes, "Not read: "+oneLine(err)+".")
	}
	if err := c.print(out, report); err != nil {
		return err
	}
	return c.verdict(report)
}

// readFiles reads manifests.
func readFiles(files []string, in io.Reader) (*translate.Objects, error) {
	objs, err := manifests.ReadAll(files, in)
	if err != nil {
		return nil, fmt.Errorf("--filename: %w", err)
	}
	return objs, nil
}

// read reads the cluster.
func (c *checking) read(ctx context.Context, how translate.Settings) (*translate.Objects, []error, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules() // as kubectl
	rules.ExplicitPath = c.kubeconfig
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if clientcmd.IsEmptyConfig(err) {
		return nil, nil, errors.New("--cluster: there is no kubeconfig: say with --kubeconfig or KUBECONFIG where one is, or read manifests with -f")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("--cluster: %w", err)
	}
	config.QPS = -1 // the API server does its own flow control
	ctx, cancel := context.WithTimeout(ctx, clusterTimeout)
	defer cancel()
	return reconcile.List(ctx, config, how, func(objs *translate.Objects) translate.Settings {
		return check.Settings(objs, how, c.options)
	})
}

// clusterTimeout bounds reading a cluster.
const clusterTimeout = 5 * time.Minute

func (c *checking) print(out io.Writer, report *check.Report) error {
	result := checked{report.Config, report.Endpoints, report.Problems, report.Totals.Ingresses + report.Totals.NotLookedAt}
	switch c.output {
	case "json":
		return report.WriteJSON(out)
	case "markdown":
		return report.WriteMarkdown(out)
	case "model":
		return result.writeText(out)
	case "model-json":
		return result.writeJSON(out)
	}
	return report.WriteText(out)
}

// verdict is the error that a report ends in, if any.
func (c *checking) verdict(report *check.Report) error {
	least, n := failOn[c.failOn], 0
	unreadable := 0
	for _, f := range report.Findings() {
		switch {
		case f.Level == check.Unreadable:
			unreadable++
		case f.Level >= least:
			n++
		}
	}
	switch {
	case unreadable > 0:
		return inputError{fmt.Errorf("documents that cannot be read: %d", unreadable)}
	case n > 0:
		return problemsError(n)
	}
	return nil
}

// checked is what manifests come to.
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
