package main

import (
	"context"
	"sync"
	"time"

	"daybook/ingest/purge"
	"daybook/pkg/httpserver"
	"daybook/pkg/kafka"
)

// keeper returns the stage of what one node at a time does for the store,
// whoever is the keeper of the group: purges, and what else is kept up.
func (n *node) keeper() (stage, error) {
	publisher, err := n.config.Kafka.Writer(n.config.Kafka.Topic)
	if err != nil {
		return stage{}, err
	}
	purger := newPurger(n.config, n.conn, publishOwn(publisher, n.decoder, time.Now), n.registry, n.log.Named("purge"))
	n.ready.Warn(retentionWarning(purger))

	// Each runs until its context ends: then another node is the keeper, or this one stops.
	work := []func(context.Context){purger.Run}
	closeArchive := func() {}
	if n.config.Archive.Enabled {
		archive := newArchive(n.config, n.conn, n.registry, n.log.Named("archive"))
		closeArchive = archive.Close
		work = append(work, archive.Run)
	}
	timings := kafka.TimingsOf(n.config.Ingest.SessionTimeout)
	return stage{"keeper", func(ctx context.Context) error {
		defer func() { _ = publisher.Close() }()
		defer closeArchive()
		ctx, stop := context.WithCancel(ctx)
		var watching sync.WaitGroup
		defer watching.Wait()
		defer stop()
		watching.Go(func() { purger.Watch(ctx) })
		return kafka.Keep(ctx, n.config.Kafka, timings, n.log.Named("keeper"), work...)
	}}, nil
}

// retentionWarning tells in /readyz what is hidden and not purged.
func retentionWarning(p *purge.Purger) httpserver.Warning {
	return httpserver.Warning{Name: "retention", Func: func() any {
		changes := p.Unconfirmed()
		if len(changes) == 0 {
			return nil
		}
		return map[string]any{
			"message": "the settings keep events for less time than is in force: they are hidden, and purged only after daybook retention confirm",
			"tenants": changes,
		}
	}}
}
