package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"daybook/pkg/auth"
	"daybook/pkg/tenant"
)

func (a *app) keysCommand() *cobra.Command {
	return group("keys", "Make, list and revoke API keys", a.keysCreateCommand(), a.keysListCommand(), a.keysRevokeCommand())
}

func (a *app) keysCreateCommand() *cobra.Command {
	var (
		owner, name string
		scopes      []string
		expiresIn   time.Duration
	)
	c := &cobra.Command{
		Use: "create --tenant T --scopes S,S [--name N] [--expires-in 720h]", Short: "Make a key and print it, this once", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			n := auth.NewKey{Name: name, Tenant: tenant.ID(owner)}
			for _, s := range scopes {
				n.Scopes = append(n.Scopes, auth.Scope(strings.TrimSpace(s)))
			}
			now := time.Now()
			if expiresIn != 0 {
				at := now.Add(expiresIn)
				n.ExpiresAt = &at
			}
			if fault := n.Validate(now); fault != nil {
				return usagef("%s", fault.Detail)
			}
			c, err := a.load()
			if err != nil {
				return err
			}
			store, conn, err := keyStore(cmd.Context(), c)
			if err != nil {
				return err
			}
			defer func() { _ = conn.Close() }()
			key, text, err := store.Create(cmd.Context(), n)
			if err != nil {
				return explain(c, err)
			}
			// The key alone on standard output, so that a script can take it.
			fmt.Fprintf(a.stderr, "key %s for tenant %s; it is not shown again:\n", key.ID, key.Tenant)
			_, err = fmt.Fprintln(a.stdout, text)
			return err
		},
	}
	c.Flags().StringVar(&owner, "tenant", "", "`tenant` that the key is for, * for all")
	c.Flags().StringSliceVar(&scopes, "scopes", nil, "what the key may do: events:read, events:write, presets:write, audit:read, admin")
	c.Flags().StringVar(&name, "name", "", "a `name` for people")
	c.Flags().DurationVar(&expiresIn, "expires-in", 0, "how long the key works; 0: until it is revoked")
	return c
}

func (a *app) keysListCommand() *cobra.Command {
	owner := string(tenant.All)
	c := &cobra.Command{
		Use: "list", Short: "List keys, without their secrets", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.load()
			if err != nil {
				return err
			}
			store, conn, err := keyStore(cmd.Context(), c)
			if err != nil {
				return err
			}
			defer func() { _ = conn.Close() }()
			keys, err := store.List(cmd.Context(), tenant.ID(owner))
			if err != nil {
				return explain(c, err)
			}
			table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "ID\tTENANT\tNAME\tSCOPES\tCREATED\tEXPIRES\tREVOKED")
			for _, k := range keys {
				names := make([]string, len(k.Scopes))
				for i, s := range k.Scopes {
					names[i] = string(s)
				}
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Tenant, k.Name, strings.Join(names, ","),
					k.CreatedAt.UTC().Format(time.RFC3339), orDash(k.ExpiresAt), orDash(k.RevokedAt))
			}
			return table.Flush()
		},
	}
	c.Flags().StringVar(&owner, "tenant", owner, "only the keys of this `tenant`; * for all")
	return c
}

func orDash(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

func (a *app) keysRevokeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID", Short: "End a key; every node knows within 5 s", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.load()
			if err != nil {
				return err
			}
			store, conn, err := keyStore(cmd.Context(), c)
			if err != nil {
				return err
			}
			defer func() { _ = conn.Close() }()
			if err := store.Revoke(cmd.Context(), tenant.All, args[0]); err != nil {
				return explain(c, fmt.Errorf("revoke %s: %w", args[0], err))
			}
			_, err = fmt.Fprintf(a.stdout, "key %s is revoked\n", args[0])
			return err
		},
	}
}
