package preset

import (
	"context"
	"encoding/json"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"daybook/pkg/apierror"
	"daybook/pkg/event"
	"daybook/query/filter"
)

// Bounds of presets.
const (
	maxNameRunes   = 100
	maxFilterBytes = 16 << 10
	maxPerTenant   = 1000
)

// Preset is a filter under a name.
type Preset struct {
	ID        string
	Name      string
	Filter    json.RawMessage // an object with the names of the query parameters
	Shared    bool
	Owner     string    // the id of the key that saved it; empty: the tenant has it from the start
	Version   uint64    // counts from 1
	CreatedAt time.Time // UTC; zero: the tenant has it from the start
	UpdatedAt time.Time // UTC; zero: never changed
}

// Starting are the presets that a tenant starts with: those of
// spec/event-log.txt. Days and weeks are those of the caller's tz, the key is the caller's.
var Starting = []Preset{
	starting("auth-failures-today", "All auth failures today",
		`{"category":"auth","eventType":["*fail*","*denied*","*rejected*","*error*"],"from":"now/d"}`),
	starting("critical-billing-this-week", "CRITICAL billing events this week",
		`{"category":"billing","from":"now/w","severity":"CRITICAL"}`),
	starting("my-key-activity", "My API key activity", `{"q":"actorId:@me OR targetId:@me"}`),
}

func starting(id, name, object string) Preset {
	return Preset{ID: id, Name: name, Filter: json.RawMessage(object), Shared: true, Version: 1}
}

// Change is what a preset is made of, or changed to.
type Change struct {
	Name   string
	Filter json.RawMessage
	Shared bool
}

// normalize brings a change into the form that is kept, and returns every
// fault by field.
func (c *Change) normalize(ctx context.Context, now time.Time) error {
	c.Name = strings.Join(strings.Fields(c.Name), " ")
	var nameFault *apierror.Error
	switch {
	case c.Name == "":
		nameFault = apierror.Invalid("name", "must not be empty")
	case utf8.RuneCountInString(c.Name) > maxNameRunes:
		nameFault = apierror.Invalid("name", "has at most %d characters", maxNameRunes)
	case strings.ContainsFunc(c.Name, func(r rune) bool { return !unicode.IsPrint(r) }):
		nameFault = apierror.Invalid("name", "must be text without control characters")
	}
	object, err := normalizeFilter(ctx, c.Filter, now)
	if err != nil {
		return apierror.Join(nameFault, apierror.From(err))
	}
	if nameFault != nil {
		return nameFault
	}
	c.Filter = object
	return nil
}

// normalizeFilter returns the object with its members in order and each of
// them once. It must be a filter for every caller.
func normalizeFilter(ctx context.Context, object json.RawMessage, now time.Time) (json.RawMessage, error) {
	normal, err := filter.NormalizeObject(object, maxFilterBytes, `{"category": "auth"}`)
	if err != nil {
		return nil, err
	}
	// Whoever saves it, others may use it: any key will do for Me.
	ctx = filter.NewContext(ctx, filter.Asker{KeyID: "key"})
	if _, err := filter.ParseRequestObject(ctx, normal, "filter", now, nil); err != nil {
		return nil, err
	}
	return normal, nil
}

// foldName returns what equal names share.
func foldName(name string) string { return event.FoldText(name) }
