package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// healthTimeout outlasts the node's own checks of its dependencies.
const healthTimeout = 4 * time.Second

// healthCommand is for container engines, whose images have no curl.
func (a *app) healthCommand() *cobra.Command {
	return &cobra.Command{
		Use: "health", Short: "Ask the node on this machine whether it is ready; fails where it is not", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.load()
			if err != nil {
				return err
			}
			if c.Admin.Addr == "" {
				return usagef("admin.addr: the node has no admin address to ask")
			}
			return a.health(cmd.Context(), c.Admin.Addr)
		},
	}
}

func (a *app) health(ctx context.Context, addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return usageError{err}
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return fmt.Errorf("read the answer of /readyz: %w", err)
	}
	fmt.Fprintln(a.stdout, strings.TrimSpace(string(body)))
	if response.StatusCode != http.StatusOK {
		return errors.New("the node is not ready")
	}
	return nil
}
