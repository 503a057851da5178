package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"daybook/pkg/client"
	"daybook/query/filter"
)

// defaultURL is where serve listens when nothing else is set.
const defaultURL = "http://127.0.0.1:8080"

// clientFlags are those of the commands that call a server: where it is, and
// which events.
type clientFlags struct {
	url, key, tenant string
	texts            map[string]*[]string // values by parameter
	attributes       []string
	include          string
}

// registerServer adds the flags that say where the server is.
func (f *clientFlags) registerServer(c *cobra.Command) {
	flags := c.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.url, "url", "", "the server's `URL` (default $DAYBOOK_URL, else "+defaultURL+")")
	flags.StringVar(&f.key, "key", "", "API `key` (default $DAYBOOK_API_KEY, which keeps it out of the list of processes)")
	flags.StringVar(&f.tenant, "tenant", "", "`tenant` id, for a key of every tenant")
}

// register adds those and one for each filter parameter of the API, its name
// in lower case with hyphens (eventType: --event-type).
func (f *clientFlags) register(c *cobra.Command) {
	f.registerServer(c)
	flags := c.Flags()
	f.texts = map[string]*[]string{}
	add := func(parameter, usage string) {
		f.texts[parameter] = flags.StringArray(flagName(parameter), nil, usage)
	}
	add("q", "full text and fields, as in the search box: `QUERY` like 'card -test severity:ERROR+'")
	for _, field := range filter.Fields {
		add(field.Name, fmt.Sprintf("%s like %s; may be repeated", field.Name, field.Example))
	}
	add("severity", "INFO, WARN, ERROR or CRITICAL; `SEVERITY`+ for it and above")
	flags.StringArrayVar(&f.attributes, "attr", nil, "condition on the payload: `PATH=VALUE`, 'PATH>VALUE', 'PATH<VALUE', PATH=A..B; may be repeated")
	add("from", "first `time`: RFC 3339 or date math like now-15m, now/d")
	add("to", "`time` after the last")
	add("tz", "time `zone` of date math, like Europe/Prague")
	add("preset", "saved filter, by `id`")
}

// registerInclude adds the flag of the commands that can read the archive.
func (f *clientFlags) registerInclude(c *cobra.Command) {
	c.Flags().StringVar(&f.include, "include", "", "`archive`: also events that are older than the retention, restored or in the bucket")
}

// included returns the parameter of that flag, beside others.
func (f *clientFlags) included(parameters url.Values) url.Values {
	if f.include != "" {
		parameters.Set("include", f.include)
	}
	return parameters
}

// flagName turns a parameter's name into that of its flag.
func flagName(parameter string) string {
	var b strings.Builder
	for i, r := range parameter {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// parameters returns the filter as the API takes it.
func (f *clientFlags) parameters() (url.Values, error) {
	values := url.Values{}
	for parameter, list := range f.texts {
		for _, v := range *list {
			values.Add(parameter, v)
		}
	}
	for _, condition := range f.attributes {
		// As in a URL: the first = ends the name, and what compares is part of it.
		name, value, found := strings.Cut(condition, "=")
		if name == "" || !found && !strings.ContainsAny(condition, "<>") {
			return nil, usagef("--attr %q: write PATH=VALUE, PATH>VALUE, PATH<VALUE or PATH=A..B", condition)
		}
		values.Add("attr."+name, value)
	}
	return f.included(values), nil
}

// both returns the filter and a client of the server.
func (f *clientFlags) both() (url.Values, *client.Client, error) {
	parameters, err := f.parameters()
	if err != nil {
		return nil, nil, err
	}
	server, err := f.client()
	return parameters, server, err
}

// client returns a client of the server that flags and environment name.
func (f *clientFlags) client() (*client.Client, error) {
	address, key := f.url, f.key
	if address == "" {
		address = os.Getenv("DAYBOOK_URL")
	}
	if address == "" {
		address = defaultURL
	}
	if key == "" {
		key = os.Getenv("DAYBOOK_API_KEY")
	}
	if key == "" {
		return nil, usagef("no API key: set DAYBOOK_API_KEY or --key (daybook keys create makes one)")
	}
	options := []client.Option{client.WithUserAgent("daybook/" + version)}
	if f.tenant != "" {
		options = append(options, client.WithTenant(f.tenant))
	}
	c, err := client.New(address, key, options...)
	if err != nil {
		return nil, usageError{fmt.Errorf("--url: %w", err)}
	}
	return c, nil
}

// asUsage makes a fault that the server found in the parameters one of the
// command line.
func asUsage(err error) error {
	var answer *client.Error
	if errors.As(err, &answer) && answer.Status == http.StatusBadRequest {
		return usageError{errors.New(answer.Detail)}
	}
	return err
}

// show asks the server, and prints the report that it answers with in the form
// that output names.
func (f *clientFlags) show(c *cobra.Command, output string, ask func(server *client.Client) (report, error)) error {
	if err := checkOutput(output); err != nil {
		return err
	}
	server, err := f.client()
	if err != nil {
		return err
	}
	r, err := ask(server)
	if err != nil {
		return asUsage(err)
	}
	return r.write(c.OutOrStdout(), output)
}
