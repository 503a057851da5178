// Package tenant names the owner of events: every row, every query and every
// live stream belongs to exactly one tenant.
package tenant

import (
	"context"
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// ID identifies a tenant as producers send it in tenantId: 1 to 256 bytes of
// printable UTF-8.
type ID string

// All is the tenant of a key that may name any tenant. It is never stored on
// an event.
const All ID = "*"

// Own is the tenant of Daybook's own events, such as the canaries of the live
// stream. No key is made for it.
const Own ID = "_daybook"

// MaxBytes bounds an ID.
const MaxBytes = 256

// Validate reports what is wrong with id as the tenant of an event.
func (id ID) Validate() error {
	switch {
	case id == "":
		return errors.New("a tenant id must not be empty")
	case id == All:
		return errors.New("a tenant id must not be *")
	case len(id) > MaxBytes:
		return fmt.Errorf("a tenant id has at most %d bytes, this one has %d", MaxBytes, len(id))
	case !utf8.ValidString(string(id)):
		return errors.New("a tenant id must be valid UTF-8")
	}
	for _, r := range string(id) {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("a tenant id must be printable, this one has %U", r)
		}
	}
	return nil
}

type contextKey struct{}

// NewContext returns ctx carrying the tenant that a verified key selected.
func NewContext(ctx context.Context, id ID) context.Context {
	return context.WithValue(ctx, contextKey{}, id)
}

// FromContext returns the tenant of the request. It panics where none was
// set: a handler that reads events without a tenant is a defect that must not
// answer with anybody's data.
func FromContext(ctx context.Context) ID {
	id, ok := ctx.Value(contextKey{}).(ID)
	if !ok || id == "" || id == All {
		panic("tenant: no tenant in the request's context")
	}
	return id
}
