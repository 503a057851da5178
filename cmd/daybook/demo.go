package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"daybook/pkg/auth"
	"daybook/pkg/generate"
)

const (
	demoTenant  = "demo"
	demoKeyFile = "demo.key"
	demoRate    = 5 // events a second
	demoPast    = 20_000
	demoDays    = 7
)

// startDemo makes the demo tenant's key, or finds the one of an earlier
// start, and prints how to use it. The stage that it returns publishes: on the
// first start a week of the past, then a few events a second.
func (a *app) startDemo(ctx context.Context, n *node, keys *auth.Store, url string) (stage, error) {
	text, fresh, err := demoKey(ctx, n.config.Embedded.Dir, keys)
	if err != nil {
		return stage{}, err
	}
	fmt.Fprintf(a.stdout, demoText, url, text, filepath.Join(n.config.Embedded.Dir, demoKeyFile), n.config.Kafka.Brokers[0], n.config.Kafka.Topic)
	run := func(ctx context.Context) error {
		past := 0
		if fresh {
			past = demoPast
		}
		err := publishDemo(ctx, n, past)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // Being told to stop is no failure.
		}
		return err
	}
	return stage{"demo events", run}, nil
}

const demoText = `
Daybook is at %[1]s

Open in a browser
  %[1]s/#key=%[2]s
Or on the command line
  export DAYBOOK_API_KEY=%[2]s   # an admin of the tenant demo; kept in %[3]s

Search
  curl -G %[1]s/api/v1/events -H "Authorization: Bearer $DAYBOOK_API_KEY" --data-urlencode 'severity=WARN+' -d limit=5
Watch
  curl -N %[1]s/api/v1/events/stream -H "Authorization: Bearer $DAYBOOK_API_KEY" -H "Accept: text/event-stream"
Publish
  echo '{"tenantId":"demo","eventType":"login.success","actorId":"you","payload":{"hello":"world"}}' | kcat -P -b %[4]s -t %[5]s

Ctrl-C stops everything; the data stays.

`

// demoKey returns the text of a key that works, and whether it was made now.
func demoKey(ctx context.Context, dir string, keys *auth.Store) (text string, fresh bool, err error) {
	file := filepath.Join(dir, demoKeyFile)
	kept, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", false, fmt.Errorf("read the demo's key: %w", err)
	}
	if text := strings.TrimSpace(string(kept)); text != "" {
		if _, err := keys.Verify(ctx, text); err == nil {
			return text, false, nil
		}
	}
	_, text, err = keys.Create(ctx, auth.NewKey{Name: "demo", Tenant: demoTenant, Scopes: []auth.Scope{auth.ScopeAdmin}})
	if err != nil {
		return "", false, err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", false, fmt.Errorf("keep the demo's key: %w", err)
	}
	if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
		return "", false, fmt.Errorf("keep the demo's key: %w", err)
	}
	return text, true, nil
}

// publishDemo publishes events of the past at once, then a gentle stream.
func publishDemo(ctx context.Context, n *node, past int) error {
	p, err := newPublisher(n.config.Kafka)
	if err != nil {
		return err
	}
	defer p.close()
	if past > 0 {
		history := generate.New(generate.Config{Seed: 1, TenantNames: []string{demoTenant}, Events: past, Days: demoDays, End: time.Now()})
		if _, err := p.publishAll(ctx, history, 0, nil); err != nil {
			return err
		}
	}
	// Another seed at each start, as event ids are unique within a run only.
	live := generate.New(generate.Config{Seed: uint64(time.Now().UnixNano()), TenantNames: []string{demoTenant}})
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Duration(rand.ExpFloat64() * float64(time.Second) / demoRate)): //nolint:gosec // No secret.
		}
		value, key, _, _ := live.Next(nil)
		if err := p.publish(ctx, message(key, value)); err != nil {
			return err
		}
	}
}
