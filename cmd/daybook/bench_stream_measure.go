package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	// frameBytes is the size of an event on the wire.
	frameBytes = 300
	// emitEvery is how often events are published: the stream's own coalescing.
	emitEvery = 10 * time.Millisecond
	// benchPartitions is how many partitions the topic in memory has.
	benchPartitions = 2
)

// eventBytes is the message whose frame has frameBytes, roughly: the stream adds
// an id, times and a category.
const eventBytes = 170

// with runs clients against a server and ends both.
func with(ctx context.Context, server *benchServer, clients streamClients, do func(*crowdProcess) error) (err error) {
	defer server.stop()
	clients.Addr = server.addr
	crowd, err := startCrowd(ctx, clients)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, crowd.close()) }()
	if _, err := crowd.await(ctx, "all clients are greeted", func(s streamStats) bool { return s.Greeted == clients.Count }); err != nil {
		return err
	}
	return do(crowd)
}

// emitFor publishes at a rate for a time and returns when each event was.
func emitFor(ctx context.Context, server *benchServer, perSecond int, d time.Duration) (first int64, at []time.Time) {
	ticker := time.NewTicker(emitEvery)
	defer ticker.Stop()
	began, sent := time.Now(), 0
	for time.Since(began) < d {
		select {
		case <-ctx.Done():
			return first, at
		case <-ticker.C:
		}
		due := int(time.Since(began).Seconds()*float64(perSecond)) - sent
		if due <= 0 {
			continue
		}
		number := server.emit(due)
		if sent == 0 {
			first = number
		}
		now := time.Now()
		for range due {
			at = append(at, now)
		}
		sent += due
	}
	return first, at
}

// deliver measures how many events a second reach clients for each second of a
// core that the server uses. Clients are spread over tenants, each of which gets
// its own events.
func (b *streamBench) deliver(ctx context.Context, figures *streamFigures, name string, tenants, perSecond int) error {
	topic := newBenchTopic()
	hub, err := startMemoryStream(ctx, topic, tenants)
	if err != nil {
		return err
	}
	hub.reach = b.clients / tenants
	rate, size, err := b.deliveries(ctx, hub, tenants, perSecond)
	if err != nil {
		return err
	}
	bare, err := startBare(ctx, tenants, size)
	if err != nil {
		return err
	}
	bare.reach = hub.reach
	baseline, _, err := b.deliveries(ctx, bare, tenants, perSecond)
	if err != nil {
		return fmt.Errorf("the bare loop: %w", err)
	}
	figures.add(name, rate)
	figures.addBaseline(name, baseline)
	figures.add(name+"_share", rate/baseline)
	return nil
}

// deliveries returns the deliveries a second of a core, and the bytes of one.
func (b *streamBench) deliveries(ctx context.Context, server *benchServer, tenants, perSecond int) (rate float64, size int, err error) {
	err = with(ctx, server, streamClients{Count: b.clients, Tenants: tenants}, func(crowd *crowdProcess) error {
		emitFor(ctx, server, perSecond, time.Second/2) // Until buffers and groups are there.
		before, err := crowd.await(ctx, "it is quiet", quiet())
		if err != nil {
			return err
		}
		used := cpuSeconds()
		_, at := emitFor(ctx, server, perSecond, time.Duration(b.seconds)*time.Second)
		want := before.Events + int64(len(at)*server.reach)
		after, err := crowd.await(ctx, "all events have arrived", func(s streamStats) bool { return s.Events >= want })
		if err != nil {
			return err
		}
		delivered := after.Events - before.Events
		rate = float64(delivered) / (cpuSeconds() - used)
		size = int((after.Bytes - before.Bytes) / delivered)
		return nil
	})
	return rate, size, err
}

// quiet is true when no further event has come for some answers in a row.
func quiet() func(streamStats) bool {
	last, same := int64(-1), 0
	return func(s streamStats) bool {
		if s.Events == last {
			same++
		} else {
			last, same = s.Events, 0
		}
		return same >= 20
	}
}

// stalled compares the p99 of clients while one in ten reads nothing with that of
// the same clients before, and looks that nobody has lost anything in the end.
func (b *streamBench) stalled(ctx context.Context, figures *streamFigures) error {
	topic := newBenchTopic()
	server, err := startMemoryStream(ctx, topic, 1)
	if err != nil {
		return err
	}
	const perSecond = 300
	clients := streamClients{Count: b.clients, Tenants: 1, Sample: max(1, b.clients/50), Stall: b.clients / 10}
	return with(ctx, server, clients, func(crowd *crowdProcess) error {
		p99 := func() (float64, error) {
			first, at := emitFor(ctx, server, perSecond, time.Duration(b.seconds)*time.Second)
			want := int64(clients.Sample * len(at))
			noted := int64(0)
			s, err := crowd.await(ctx, "the sampled clients have all events", func(s streamStats) bool {
				noted = int64(len(s.Arrivals))
				return noted >= want
			})
			if err != nil {
				return 0, err
			}
			return percentile(delays(s.Arrivals, first, at), 0.99), nil
		}
		if _, err := p99(); err != nil { // The first events find everything cold.
			return err
		}
		without, err := p99()
		if err != nil {
			return err
		}
		if _, err := crowd.say("stall"); err != nil {
			return err
		}
		during, err := p99()
		if err != nil {
			return err
		}
		if _, err := crowd.say("go"); err != nil {
			return err
		}
		topic.mu.Lock()
		sent := topic.sent
		topic.mu.Unlock()
		s, err := crowd.await(ctx, "the stalled clients have all events", func(s streamStats) bool { return s.Least >= sent })
		if err != nil {
			return err
		}
		figures.add("stalled_p99_rise", during/max(without, 0.01)-1)
		figures.add("stalled_lost", float64(int64(b.clients)*sent-s.Events))
		return nil
	})
}

// delays returns the milliseconds between publishing and arrival.
func delays(arrivals []arrival, first int64, at []time.Time) []float64 {
	var ms []float64
	for _, a := range arrivals {
		if i := a.Event - first; i >= 0 && i < int64(len(at)) {
			ms = append(ms, max(0, float64(a.At-at[i].UnixNano())/1e6))
		}
	}
	return ms
}

func percentile(values []float64, share float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[min(len(values)-1, int(share*float64(len(values))))]
}

// returnStorm lets twice the clients come back at once after a minute in which
// each of them got fifteen events.
func (b *streamBench) returnStorm(ctx context.Context, figures *streamFigures) error {
	const missed = 15
	returning := 2 * b.clients
	for _, bare := range []bool{false, true} {
		clients := streamClients{Count: returning, Tenants: returning}
		var server *benchServer
		var err error
		if bare {
			server, err = startBare(ctx, returning, frameBytes)
		} else {
			topic := newBenchTopic()
			if server, err = startMemoryStream(ctx, topic, returning); err == nil {
				err = b.missMinute(ctx, server, &clients, missed)
			}
		}
		if err != nil {
			return err
		}
		began := time.Now()
		err = with(ctx, server, clients, func(crowd *crowdProcess) error {
			if bare {
				server.emit(returning * missed)
			}
			_, err := crowd.await(ctx, "all are back", func(s streamStats) bool { return s.Least >= missed })
			if took := time.Since(began).Seconds(); bare {
				figures.addBaseline("return_storm", took)
			} else {
				figures.add("return_storm", took)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// missMinute publishes what the clients will have missed, and tells them where
// they were before it.
func (b *streamBench) missMinute(ctx context.Context, server *benchServer, clients *streamClients, missed int) (err error) {
	defer func() {
		if err != nil {
			server.stop()
		}
	}()
	if clients.LastID, err = firstID(ctx, server.addr); err != nil {
		return err
	}
	for range missed {
		server.emit(clients.Count)
	}
	return nil
}
