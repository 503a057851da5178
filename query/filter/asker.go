package filter

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"daybook/pkg/apierror"
)

// Me is the value of actorId and targetId that stands for the caller's own
// key. Producers name a key by its id. In quotes it is a text like any other.
const Me = "@me"

// Asker is what a filter needs to know of a request beside its parameters.
type Asker struct {
	KeyID string // what Me stands for; empty: Me is refused
	// Preset returns the filter that is saved under the id, as an object of
	// ParseObject. Nil: the parameter preset is refused.
	Preset func(ctx context.Context, id string) (json.RawMessage, error)
}

type askerKey struct{}

// NewContext returns ctx carrying who asks.
func NewContext(ctx context.Context, asker Asker) context.Context {
	return context.WithValue(ctx, askerKey{}, asker)
}

// ParseRequest is Parse for whoever the context says is asking: with preset=ID
// and Me. A preset narrows: an event must satisfy it and every other parameter.
// tz is for the times of both, but for a preset that names its own.
func ParseRequest(ctx context.Context, values url.Values, now time.Time, others ...string) (*Filter, error) {
	return parse(ctx, askerOf(ctx), values, now, others)
}

// ParseRequestObject is ParseObject for whoever the context says is asking.
func ParseRequestObject(ctx context.Context, object json.RawMessage, field string, now time.Time, defaults url.Values) (*Filter, error) {
	return parseObject(ctx, askerOf(ctx), object, field, now, defaults)
}

func askerOf(ctx context.Context) Asker {
	asker, _ := ctx.Value(askerKey{}).(Asker)
	return asker
}

// narrowByPreset adds what is saved under the parameter preset.
func (r *reader) narrowByPreset(ctx context.Context, asker Asker) error {
	id := r.one("preset")
	if id == "" || r.err != nil {
		return nil
	}
	saved, err := asker.Preset(ctx, id)
	if err != nil {
		return err
	}
	defaults := url.Values{}
	if zone, ok := r.values["tz"]; ok {
		defaults["tz"] = zone
	}
	// Its asker has no presets: one does not lead to another.
	preset, err := parseObject(ctx, Asker{KeyID: asker.KeyID}, saved, "preset", r.now.Now, defaults)
	if err != nil {
		return err
	}
	r.filter = *r.filter.And(preset)
	return nil
}

// resolve returns the value with the key's id for Me.
func (in reading) resolve(f *Field, v value) (value, *apierror.Error) {
	if !f.me || v.quoted || v.raw != Me {
		return v, nil
	}
	if in.keyID == "" {
		return v, v.invalid(`%s stands for the caller's key, and nobody's key asks here; write "%s" in quotes for the text`, Me, Me)
	}
	v.raw, v.quoted = in.keyID, true
	return v, nil
}
