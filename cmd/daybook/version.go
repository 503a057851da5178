package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"daybook/pkg/embedded"
)

// version is set by the linker: see the Makefile.
var version = "devel"

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the versions of Daybook, Go and the embedded ClickHouse", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(a.stdout, "daybook %s\n%s %s/%s\nembedded ClickHouse %s\n",
				version, runtime.Version(), runtime.GOOS, runtime.GOARCH, embedded.EngineVersion)
			return err
		},
	}
}
