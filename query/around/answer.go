package around

import (
	"encoding/json"
	"strconv"
	"time"

	"daybook/pkg/event"
	"daybook/query/statement"
)

// appendJSON writes what was found, and leaves the object open.
func (a *around) appendJSON(out []byte) []byte {
	out = event.AppendJSON(append(out, `{"event":`...), a.event)
	out = append(out, `,"correlation":`...)
	if a.chain == nil {
		out = append(out, "null"...)
	} else {
		out = a.appendChain(out)
	}
	out = append(out, `,"actor":`...)
	if a.actor == nil {
		return append(out, "null"...)
	}
	out = appendText(append(out, `{"actorType":`...), a.event.ActorType)
	out = appendText(append(out, `,"actorId":`...), a.event.ActorID)
	out = appendEvents(append(out, `,"before":`...), a.actor.before)
	out = appendEvents(append(out, `,"after":`...), a.actor.after)
	out = strconv.AppendBool(append(out, `,"moreBefore":`...), a.actor.moreBefore)
	return append(strconv.AppendBool(append(out, `,"moreAfter":`...), a.actor.moreAfter), '}')
}

// appendChain writes the timeline of the chain: each event with how long after
// the first it came, and each service with its part.
func (a *around) appendChain(out []byte) []byte {
	timeline := append(append(append([]event.Event(nil), a.chain.before...), *a.event), a.chain.after...)
	first := timeline[0].CreatedAt
	since := func(out []byte, t time.Time) []byte {
		return strconv.AppendFloat(out, statement.Milliseconds(t.Sub(first)), 'f', -1, 64)
	}
	type part struct {
		source      string
		events      int
		first, last time.Time
	}
	var parts []*part
	bySource := map[string]*part{}
	out = appendText(append(out, `{"correlationId":`...), a.event.CorrelationID)
	out = append(out, `,"timeline":[`...)
	for i := range timeline {
		e := &timeline[i]
		p := bySource[e.Source]
		if p == nil {
			p = &part{source: e.Source, first: e.CreatedAt}
			bySource[e.Source], parts = p, append(parts, p)
		}
		p.events, p.last = p.events+1, e.CreatedAt
		if i > 0 {
			out = append(out, ',')
		}
		out = since(append(out, `{"offsetMs":`...), e.CreatedAt)
		out = append(event.AppendJSON(append(out, `,"event":`...), e), '}')
	}
	out = append(out, `],"services":[`...)
	for i, p := range parts {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendText(append(out, `{"source":`...), p.source)
		out = strconv.AppendInt(append(out, `,"events":`...), int64(p.events), 10)
		out = since(append(out, `,"firstMs":`...), p.first)
		out = append(since(append(out, `,"lastMs":`...), p.last), '}')
	}
	out = since(append(out, `],"durationMs":`...), timeline[len(timeline)-1].CreatedAt)
	out = strconv.AppendBool(append(out, `,"moreBefore":`...), a.chain.moreBefore)
	return append(strconv.AppendBool(append(out, `,"moreAfter":`...), a.chain.moreAfter), '}')
}

func appendEvents(out []byte, events []event.Event) []byte {
	out = append(out, '[')
	for i := range events {
		if i > 0 {
			out = append(out, ',')
		}
		out = event.AppendJSON(out, &events[i])
	}
	return append(out, ']')
}

func appendText(out []byte, text string) []byte {
	quoted, _ := json.Marshal(text) // A string always has a JSON form.
	return append(out, quoted...)
}
