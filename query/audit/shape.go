package audit

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"

	"daybook/pkg/event"
	"daybook/query/statement"
)

// text is a string of which an event may have none: null then.
type text string

// MarshalJSON implements json.Marshaler.
func (t text) MarshalJSON() ([]byte, error) {
	if t == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(t))
}

// entry is an event as spec/audit-log.txt shows it. The calls differ in what
// they say of the user: nil members are left out.
type entry struct {
	ID        string          `json:"id"`
	UserID    *text           `json:"user_id,omitempty"`
	UserEmail *text           `json:"user_email,omitempty"`
	UserName  *text           `json:"user_name,omitempty"`
	EventType string          `json:"event_type"`
	EventData json.RawMessage `json:"event_data"`
	IPAddress text            `json:"ip_address"`
	UserAgent text            `json:"user_agent"`
	CreatedAt string          `json:"created_at"`

	user struct{ id, email, name text }
}

func entryOf(e *event.Event) entry {
	out := entry{
		ID: e.EventID, EventType: e.EventType, EventData: e.Payload, IPAddress: text(e.IPAddress), UserAgent: text(e.UserAgent),
		CreatedAt: e.CreatedAt.UTC().Format(time.RFC3339Nano),
	}
	out.user.id, out.user.email, out.user.name = text(e.ActorID), text(e.ActorEmail), text(e.ActorName)
	return out
}

type pagination struct {
	Page       int64 `json:"page"`
	Limit      int64 `json:"limit"`
	Total      int64 `json:"total"`
	TotalPages int64 `json:"total_pages"`
}

// typeCount is an event type with the number of its events.
type typeCount struct {
	EventType string `json:"event_type"`
	Count     int64  `json:"count"`
}

func writeJSON(w http.ResponseWriter, answer any) error {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // event_data stays as the producer wrote it.
	if err := encoder.Encode(answer); err != nil {
		return err
	}
	return statement.WriteJSON(w, body.Bytes())
}
