package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"daybook/pkg/config"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2 // bad usage or configuration
)

// app is what every command works with.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	configFile     string
	began          bool // the command line was understood
}

// usageError is a fault of the command line or the settings.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// run runs a command line and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr}
	root := a.root() //nolint:contextcheck // Commands get theirs from ExecuteContext.
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintln(stderr, "daybook:", strings.TrimRight(line, "\n"))
	}
	if hint := hintOf(err); hint != "" {
		fmt.Fprintln(stderr, "daybook:", hint)
	}
	var usage usageError
	if !a.began || errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

// hintOf says what to do where a command did not reach the server; "" for any other error.
func hintOf(err error) string {
	var call *url.Error
	if !errors.As(err, &call) || !strings.Contains(call.URL, "/api/") {
		return ""
	}
	var authority x509.UnknownAuthorityError
	switch {
	case errors.As(err, &authority):
		return "SSL_CERT_FILE may name the PEM file of the CA that has signed the server's certificate"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody listens there: --url or DAYBOOK_URL must say where daybook serve does"
	default:
		return ""
	}
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "daybook",
		Short:         "A columnar event store and audit trail on ClickHouse",
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRun: func(*cobra.Command, []string) {
			a.began = true
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentFlags().StringVar(&a.configFile, "config", "", "settings `file` (default: "+config.DefaultFile+" where there is one)")
	root.AddCommand(
		a.serveCommand(), a.migrateCommand(), a.keysCommand(), a.deadLettersCommand(), a.retentionCommand(), newHoldsCommand(), a.archiveCommand(), a.backupCommand(), a.healthCommand(),
		a.generateCommand(), a.publishCommand(), newSearchCommand(), newExportCommand(), newTailCommand(),
		newHistogramCommand(), newFacetsCommand(), newFieldsCommand(), newAggregateCommand(), newContextCommand(), newPresetsCommand(), newAuditCommand(),
		a.benchCommand(), a.versionCommand(), a.engineCommand(),
	)
	return root
}

// load reads the settings that every command but the clients works with.
// What connects takes them Resolved.
func (a *app) load() (config.Config, error) {
	c, warnings, err := config.Load(a.configFile, os.Environ())
	for _, w := range warnings {
		fmt.Fprintln(a.stderr, "daybook: warning:", w)
	}
	if err != nil {
		return c, usageError{err}
	}
	return c, nil
}

// group is a command that only has others beneath it.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		_ = c.Help()
		return usagef("%s: say what to do", use)
	}}
	c.AddCommand(commands...)
	return c
}
