package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/shockwave-ingress/shockwave/pkg/check"
	"github.com/shockwave-ingress/shockwave/pkg/metrics"
	"github.com/shockwave-ingress/shockwave/pkg/settings"
	"github.com/shockwave-ingress/shockwave/pkg/snapshot"
	"github.com/shockwave-ingress/shockwave/pkg/translate"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

const aboutExplain = `Explain tells which host, path, Ingress and endpoints a request meets, with which
settings and where they come from, and why other routes and hosts do not serve it.

It asks a running controller, which answers on its --healthz-port, or with -f
reads manifests as check does. No request is sent to any endpoint. In a cluster:

  kubectl port-forward -n shockwave deploy/shockwave-controller 10254 &
  shockwave explain GET http://shop.example/cart`

// explainLimits bound what a controller may answer, and how long it may take.
const (
	explainTimeout = 10 * time.Second
	explainSize    = 4 << 20
)

// newExplain is `shockwave explain`.
func newExplain() *cobra.Command {
	s := settings.Default()
	var file, address, output string
	var fields []string
	cmd := &cobra.Command{
		Use:   "explain METHOD URL [-H 'Name: value']…",
		Short: "Tell which route a request meets, and why",
		Long:  aboutExplain,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return errors.New("say what to explain: a method and a URL, as in `shockwave explain GET http://shop.example/cart`")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if output != "text" && output != "json" {
				return fmt.Errorf("--output: %q is neither text nor json", output)
			}
			question, err := snapshot.NewQuestion(args[0], args[1], fields)
			if err != nil {
				return err
			}
			if file == "" {
				if err := onlyWithFile(cmd.Flags()); err != nil {
					return err
				}
				return askController(cmd.Context(), cmd.OutOrStdout(), address, url.Values{
					"method": {args[0]}, "url": {args[1]}, "field": fields, "format": {output},
				})
			}
			if cmd.Flags().Changed("address") {
				return errors.New("--address: a running controller is asked, or manifests are read with -f, not both")
			}
			if err := s.Validate(); err != nil {
				return err
			}
			objs, err := readFiles([]string{file}, cmd.InOrStdin())
			if err != nil {
				return err
			}
			objs, how, notes := check.Choose(objs, translation(s), check.Options{ClassGiven: classGiven(cmd.Flags())})
			return explainManifests(cmd.OutOrStdout(), output, objs, how, notes, question)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringArrayVarP(&fields, "header", "H", nil, "Field of the request, as 'Name: value'; may be repeated. Host stands in place of the URL's host.")
	flags.StringVar(&address, "address", "http://127.0.0.1:10254", "Where the running controller tells of health and metrics.")
	flags.StringVarP(&file, "filename", "f", "", "File or directory of manifests, or - for the standard input, in place of a running controller.")
	flags.StringVarP(&output, "output", "o", "text", "Form of the output: text or json.")
	s.RegisterReading(flags)
	return cmd
}

// ownFlags are those of explain that a running controller needs.
var ownFlags = []string{"header", "address", "filename", "output", "help"}

// onlyWithFile refuses flags that say how manifests are read when none are: a
// running controller has its own.
func onlyWithFile(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		if !slices.Contains(ownFlags, f.Name) && err == nil {
			err = fmt.Errorf("--%s says how manifests are read: it needs -f, as a running controller has its own flags", f.Name)
		}
	})
	return err
}

// explainManifests answers from manifests, of which there are notes.
func explainManifests(out io.Writer, output string, objs *translate.Objects, how translate.Settings, notes []string, q snapshot.Question) error {
	how.Now = time.Now()
	config, problems := translate.Build(objs, how)
	endpoints := translate.EndpointFinder{Zone: how.EndpointZone()}
	registry := upstream.NewRegistry(upstream.Config{Logger: slog.New(slog.DiscardHandler)})
	registry.SetEndpoints(endpoints.Of(objs, config))
	compiled, err := snapshot.Compile(config, nil, registry, metrics.New(metrics.Labels{}), nil)
	if err != nil {
		return fmt.Errorf("compile the configuration: %w", err)
	}
	explanation := compiled.Explain(q)
	if output == "json" {
		return explanation.WriteJSON(out)
	}
	if err := explanation.WriteText(out); err != nil {
		return err
	}
	var b strings.Builder
	for _, note := range notes {
		b.WriteString("\nnote: " + note + "\n")
	}
	if n := len(problems); n > 0 { // not all that was written is served
		fmt.Fprintf(&b, "\n%v in the manifests: see `shockwave check`\n", problemsError(n))
	}
	_, err = io.WriteString(out, b.String())
	return err
}

// askController asks a running controller.
func askController(ctx context.Context, out io.Writer, address string, question url.Values) error {
	base := address
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	at, err := url.Parse(base)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return fmt.Errorf("--address: %q is not of the form http://HOST:PORT", address)
	}
	at = at.JoinPath("explain")
	at.RawQuery = question.Encode()
	ctx, cancel := context.WithTimeout(ctx, explainTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return fmt.Errorf("--address: %w", err)
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true}, // and no proxy of the environment
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err // without the question, which is long
		}
		return fmt.Errorf("no controller answers at %s: %w: say with --address where one is, or read manifests with -f", base, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, explainSize))
	if err != nil {
		return fmt.Errorf("the answer of %s: %w", base, err)
	}
	switch res.StatusCode {
	case http.StatusOK:
		_, err = out.Write(body)
		return err
	case http.StatusServiceUnavailable, http.StatusBadRequest:
		first, _, _ := strings.Cut(string(body), "\n")
		return fmt.Errorf("the controller at %s says: %.200s", base, first)
	}
	return fmt.Errorf("%s is no controller that explains: /explain is %s there", base, res.Status)
}
