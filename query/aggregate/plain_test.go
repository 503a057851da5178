package aggregate

import (
	"encoding/json"
	"slices"
	"strings"

	"daybook/pkg/event"
)

// plain computes a metric of events.
func plain(m metric, events []event.Event, seconds float64) *float64 {
	number := func(f float64) *float64 { return &f }
	var numbers []float64
	distinct := map[string]bool{}
	for _, e := range events {
		var payload struct{ N json.RawMessage }
		if json.Unmarshal(e.Payload, &payload) == nil && !strings.Contains(string(e.Payload), "big") {
			var n float64
			if json.Unmarshal(payload.N, &n) == nil {
				numbers = append(numbers, n)
			}
		}
		switch m.field.name {
		case "actorId":
			distinct[e.ActorID] = e.ActorID != ""
		case "payload.c":
			if text, ok := payloadText(e); ok {
				distinct["="+text] = true
			}
		}
	}
	slices.Sort(numbers)
	switch m.op {
	case "count":
		return number(float64(len(events)))
	case "rate":
		if seconds <= 0 {
			return nil
		}
		return number(float64(len(events)) / seconds)
	case "uniq":
		n := 0
		for _, there := range distinct {
			if there {
				n++
			}
		}
		return number(float64(n))
	case "sum", "avg":
		total := 0.0
		for _, n := range numbers {
			total += n
		}
		if m.op == "sum" {
			return number(total)
		}
		if len(numbers) == 0 {
			return nil
		}
		return number(total / float64(len(numbers)))
	}
	if len(numbers) == 0 {
		return nil
	}
	switch m.op {
	case "min":
		return &numbers[0]
	case "max":
		return &numbers[len(numbers)-1]
	default: // The smallest that is not below the given share of all.
		return &numbers[min(int(ops[m.op].quantile*float64(len(numbers))), len(numbers)-1)]
	}
}
