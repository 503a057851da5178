package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"daybook/pkg/embedded"
)

// engineCommand is the child process that the embedded ClickHouse runs in.
func (a *app) engineCommand() *cobra.Command {
	return &cobra.Command{
		Use: "engine", Hidden: true, DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error {
			if code := embedded.RunEngine(args); code != 0 {
				return fmt.Errorf("the engine ended with code %d", code)
			}
			return nil
		},
	}
}
