package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/shockwave-ingress/shockwave/pkg/settings"
)

const about = `Shockwave is a Kubernetes ingress controller in one process.

It watches Ingresses, or a directory of manifests with --manifests, and serves
them over HTTP and HTTPS. Its flags are those of ingress-nginx, and some more.`

// newRoot is the command line.
func newRoot() *cobra.Command {
	s := settings.Default()
	cmd := &cobra.Command{
		Use:           "shockwave",
		Short:         "Kubernetes ingress controller",
		Long:          about,
		Args:          noArguments,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if s.Version {
				printVersion(cmd.OutOrStdout())
				return nil
			}
			return controller(cmd, s)
		},
	}
	cmd.Flags().SortFlags = false
	s.Register(cmd.Flags())
	cmd.AddCommand(newDemo(), newCheck(), newExplain(), newVersion())
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w: see `%s --help`", err, cmd.CommandPath())
	})
	cmd.SuggestionsMinimumDistance = 2
	cmd.CompletionOptions.HiddenDefaultCmd = true
	return cmd
}

// noArguments refuses what is no subcommand, and says which one may have been
// meant.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return fmt.Errorf("there is no command %q: did you mean %s?", args[0], near[0])
	}
	return fmt.Errorf("there is no command %q: see `%s --help`", args[0], cmd.CommandPath())
}

// controller checks the settings and runs the controller until it is told to end.
func controller(cmd *cobra.Command, s settings.Settings) error {
	s.FromEnvironment(os.Getenv)
	if err := s.Validate(); err != nil {
		return err
	}
	ignored, err := settings.CheckForeign(cmd.Flags())
	if err != nil {
		return err
	}
	log := newLogger(os.Stderr, s)
	for _, f := range ignored {
		log.Warn("flag of ingress-nginx has no effect", "flag", f.Name, "why", f.Why)
	}
	ctx, stop := untilSignal(cmd.Context(), log)
	defer stop()
	return run(ctx, s, log, func(addresses) {})
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, and what was built in",
		Args:  cobra.NoArgs,
		Run:   func(cmd *cobra.Command, _ []string) { printVersion(cmd.OutOrStdout()) },
	}
}
