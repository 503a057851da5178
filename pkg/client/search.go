package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
)

// Page is one page of a search.
type Page struct {
	Events     []Event
	NextCursor string // empty: there is nothing more
	// Highlights are the places where each event matches, in the order of the events;
	// nil: the parameters did not ask for them.
	Highlights [][]Highlight
	Meta       SearchMeta
	JSON       json.RawMessage // one line, verbatim
}

// SearchMeta says how a page was found. Where it is partial, time was up: the page may
// be empty, and its next cursor goes on.
type SearchMeta struct {
	Meta
	Indexes []string `json:"indexes"` // that narrowed the reading; "key" alone: every event of the range was looked at
	Count   *Count   `json:"count"`   // nil: the parameters did not ask for it
}

// Count is how many events match, whatever the page.
type Count struct {
	Value    uint64 `json:"value"`
	Relation string `json:"relation"` // "eq", or "gte": at least so many
	Source   string `json:"source"`   // "raw", "rollup" or "archive"
}

// Highlight is a place where an event matches. Positions count characters, Unicode
// code points, from Start to before End.
type Highlight struct {
	Field string          `json:"field"` // the member of the event
	Start int             `json:"start"` // in its text; of the payload, in its JSON
	End   int             `json:"end"`
	Parts []HighlightPart `json:"parts"` // of the payload: the keys and values that it reaches into
}

// HighlightPart is a piece of a key or value of a payload.
type HighlightPart struct {
	Pointer string `json:"pointer"` // RFC 6901
	Of      string `json:"of"`      // "key" or "value"
	Start   int    `json:"start"`   // in the decoded string, or in a number as it is written
	End     int    `json:"end"`
}

// Search returns one page of what matches the parameters: those of the
// filter, and limit, cursor, order, count, highlight and include.
func (c *Client) Search(ctx context.Context, parameters url.Values) (*Page, error) {
	var answer struct {
		Events     []json.RawMessage `json:"events"`
		Highlights [][]Highlight     `json:"highlights"`
		NextCursor *string           `json:"nextCursor"`
		Meta       SearchMeta        `json:"meta"`
	}
	body, err := c.get(ctx, "/api/v1/events", parameters)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	page := &Page{Events: make([]Event, len(answer.Events)), Highlights: answer.Highlights, Meta: answer.Meta, JSON: body}
	if answer.NextCursor != nil {
		page.NextCursor = *answer.NextCursor
	}
	for i, text := range answer.Events {
		if page.Events[i], err = parseEvent(text); err != nil {
			return nil, err
		}
	}
	return page, nil
}
