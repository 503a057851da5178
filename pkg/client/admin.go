package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Caller is whom a key stands for.
type Caller struct {
	KeyID     string     `json:"keyId"`
	Name      string     `json:"name"`
	TenantID  string     `json:"tenantId"` // "*" for all
	Scopes    []string   `json:"scopes"`
	ExpiresAt *time.Time `json:"expiresAt"` // nil: never
}

// Caller returns whom the client's key stands for.
func (c *Client) Caller(ctx context.Context) (*Caller, error) {
	return fetch[Caller](ctx, c, "/api/v1/session", nil)
}

// DeadLetter is a message of the topic that is no event, with the reason.
type DeadLetter struct {
	ID         string     `json:"id"`       // PARTITION:OFFSET
	TenantID   *string    `json:"tenantId"` // whom the message names; nil: nobody for certain
	Topic      string     `json:"topic"`
	Partition  int32      `json:"partition"`
	Offset     int64      `json:"offset"`
	Time       time.Time  `json:"time"`  // the message's own
	Bytes      int        `json:"bytes"` // of its value
	Class      string     `json:"class"`
	Field      string     `json:"field"` // at fault; empty for the whole message
	Error      string     `json:"error"`
	ReplayedAt *time.Time `json:"replayedAt"` // when it was last published again; nil: never

	// Key and Value are nil where they are no UTF-8; then the others hold them.
	Key         *string `json:"key"`
	KeyBase64   []byte  `json:"keyBase64"`
	Value       *string `json:"value"`
	ValueBase64 []byte  `json:"valueBase64"`

	Headers []DeadLetterHeader `json:"headers"` // of DeadLetter alone
}

// DeadLetterHeader is a header of a message.
type DeadLetterHeader struct {
	Name        string  `json:"name"`
	Value       *string `json:"value"`
	ValueBase64 []byte  `json:"valueBase64"`
}

// DeadLetterPage is a page of dead letters, the newest first, each with the
// first 4 KiB of its message.
type DeadLetterPage struct {
	DeadLetters []DeadLetter `json:"deadLetters"`
	NextCursor  *string      `json:"nextCursor"` // nil on the last page
}

// DeadLetters returns a page: parameters are class, from, to, pending, limit
// and cursor.
func (c *Client) DeadLetters(ctx context.Context, parameters url.Values) (*DeadLetterPage, error) {
	return fetch[DeadLetterPage](ctx, c, "/api/v1/deadletters", parameters)
}

// DeadLetter returns one, whole.
func (c *Client) DeadLetter(ctx context.Context, id string) (*DeadLetter, error) {
	path, err := under("/api/v1/deadletters/", id, "")
	if err != nil {
		return nil, err
	}
	return fetch[DeadLetter](ctx, c, path, nil)
}

// Replay says which dead letters are published again.
type Replay struct {
	IDs   []string `json:"ids,omitempty"`
	Class string   `json:"class,omitempty"`
	From  string   `json:"from,omitempty"` // RFC 3339, or date math
	To    string   `json:"to,omitempty"`
	Every bool     `json:"every,omitempty"` // all; needed where nothing else chooses
	Again bool     `json:"again,omitempty"` // also those that were published again before
}

// ReplayDeadLetters publishes dead letters to the topic again, and returns how
// many. It can be repeated: what was published is left out, unless r says again.
func (c *Client) ReplayDeadLetters(ctx context.Context, r Replay) (int, error) {
	answer, err := submit[struct {
		Replayed int `json:"replayed"`
	}](ctx, c, http.MethodPost, "/api/v1/deadletters/replay", nil, r)
	if err != nil {
		return 0, err
	}
	return answer.Replayed, nil
}

// Status says how things are.
type Status struct {
	Version string `json:"version"`
	Ingest  struct {
		// FreshnessMs is 0 where everything that was published is stored, else the age
		// of the newest message that is; nil: unknown.
		FreshnessMs *int64 `json:"freshnessMs"`
		Lag         int64  `json:"lag"` // messages that are not yet confirmed as stored
		// Partitions and Gaps are for keys of every tenant.
		Partitions []struct {
			Partition int   `json:"partition"`
			Committed int64 `json:"committed"`
			End       int64 `json:"end"`
			Lag       int64 `json:"lag"`
		} `json:"partitions"`
		Gaps []struct {
			Topic      string    `json:"topic"`
			Partition  int32     `json:"partition"`
			FromOffset int64     `json:"fromOffset"`
			ToOffset   int64     `json:"toOffset"` // the first that is not lost
			Messages   int64     `json:"messages"` // at most so many
			Reason     string    `json:"reason"`
			NoticedAt  time.Time `json:"noticedAt"`
		} `json:"gaps"`
	} `json:"ingest"`
	Retention struct {
		Days   int        `json:"days"`
		Oldest *time.Time `json:"oldest"` // event; nil: there is none
		Newest *time.Time `json:"newest"`
		Holds  uint64     `json:"holds"` // legal ones that are not lifted
	} `json:"retention"`
	Archive struct {
		Enabled    bool    `json:"enabled"`
		Days       uint64  `json:"days"` // UTC days of a tenant
		Events     uint64  `json:"events"`
		Bytes      uint64  `json:"bytes"`
		Unverified uint64  `json:"unverified"` // days that were not read back, or that differed
		First      *string `json:"first"`      // 2026-01-31; nil: there is none
		Last       *string `json:"last"`
	} `json:"archive"`
}

// Status returns how things are, for admins.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	return fetch[Status](ctx, c, "/api/v1/status", nil)
}
