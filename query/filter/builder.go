package filter

import (
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"daybook/pkg/event"
	"daybook/pkg/retention"
	"daybook/pkg/tenant"
	"daybook/schema"
)

// Scope is what every statement is confined to, whatever the filter says.
type Scope struct {
	Tenant tenant.ID
	Oldest time.Time // the retention: no older event exists for any reader
	// Archive has what is older for the reads that ask for it; nil: they don't.
	Archive Archive
}

// Archive knows where events are that are older than the retention.
type Archive interface {
	// From writes what a statement on events of [from, to) reads from. A zero to is
	// no end.
	From(b *Builder, from, to time.Time)
}

// Mark says of an event that it is older than the retention, where it is.
func (s Scope) Mark(e *event.Event) { e.Archived = s.Archive != nil && e.CreatedAt.Before(s.Oldest) }

// ScopeOf returns the scope of a tenant whose events are kept by a policy.
func ScopeOf(id tenant.ID, kept retention.Policy, now time.Time) Scope {
	return Scope{Tenant: id, Oldest: kept.Oldest(id, now)}
}

// Builder collects a statement: its text, and the values beside it as query
// parameters, which the server reads apart from the text.
type Builder struct {
	text  strings.Builder
	args  []any
	texts map[string]string // the parameters that are texts, by value

	archive bool
	fault   error
	lost    func()
}

// ReadsArchive says that the statement reads files of the archive, or, with a fault, that
// it would have to and can't be run. lost is called where the server does not know
// the archive's address any more.
func (b *Builder) ReadsArchive(fault error, lost func()) {
	b.archive, b.fault, b.lost = true, fault, lost
}

// Archive returns what ReadsArchive was told, and whether it was called.
func (b *Builder) Archive() (reads bool, lost func(), fault error) { return b.archive, b.lost, b.fault }

// Write appends fixed text. Text that comes from a request goes through Text
// and the like.
func (b *Builder) Write(parts ...string) {
	for _, p := range parts {
		b.text.WriteString(p)
	}
}

// Text appends a String parameter.
func (b *Builder) Text(value string) { b.parameter("String", value) }

// Texts appends an Array(String) parameter.
func (b *Builder) Texts(values []string) { b.parameter("Array(String)", values) }

// Float appends a Float64 parameter.
func (b *Builder) Float(value float64) { b.parameter("Float64", value) }

// Int appends an Int64 parameter.
func (b *Builder) Int(value int64) { b.parameter("Int64", value) }

// Ints appends an Array(Int64) parameter.
func (b *Builder) Ints(values []int64) { b.parameter("Array(Int64)", values) }

// Time appends a DateTime64(6) parameter. Times that ClickHouse can't hold
// become its nearest.
func (b *Builder) Time(value time.Time) {
	b.parameter("DateTime64(6, 'UTC')", clampTime(value).UTC().Format("2006-01-02 15:04:05.000000"))
}

// Seconds appends a DateTime parameter for the whole seconds of a rollup's
// bucket.
func (b *Builder) Seconds(value time.Time) {
	b.parameter("DateTime('UTC')", value.UTC().Format("2006-01-02 15:04:05"))
}

func (b *Builder) parameter(kind string, value any) {
	// A text that stands in an expression several times is one parameter, so that
	// the server sees one expression and evaluates it once.
	text, isText := value.(string)
	name, known := b.texts[text]
	if !isText || !known {
		name = "p" + strconv.Itoa(len(b.args)+1)
		b.args = append(b.args, clickhouse.Named(name, value))
		if isText {
			if b.texts == nil {
				b.texts = map[string]string{}
			}
			b.texts[text] = name
		}
	}
	b.Write("{", name, ":", kind, "}")
}

// Statement returns the text and its parameters, for driver.Conn.
func (b *Builder) Statement() (string, []any) { return b.text.String(), b.args }

var (
	minTime = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	maxTime = time.Date(2299, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
)

func clampTime(t time.Time) time.Time {
	if t.Before(minTime) {
		return minTime
	}
	if t.After(maxTime) {
		return maxTime
	}
	return t
}

// Where writes the condition of a statement on events: tenant, retention and
// the filter's times, then its conditions.
func (f *Filter) Where(b *Builder, scope Scope) {
	b.Write("tenant_id = ")
	b.Text(string(scope.Tenant))
	b.Write(" AND created_at >= ")
	b.Time(f.Lower(scope))
	if !f.To.IsZero() {
		b.Write(" AND created_at < ")
		b.Time(f.To.Time)
	}
	f.Conditions(b)
}

// Conditions writes " AND …" for everything but tenant and times, which the
// caller has written.
func (f *Filter) Conditions(b *Builder) {
	if f.Root != nil {
		b.Write(" AND ")
		f.Root.sql(b)
	}
}

// Lower returns the first instant a statement reads: the filter's from, but
// never before the retention, unless the archive is read: then a zero time is no bound.
func (f *Filter) Lower(scope Scope) time.Time {
	if scope.Archive != nil {
		return f.From.Time
	}
	return f.Retained(scope)
}

// Retained returns the first instant of the range that is not older than the
// retention.
func (f *Filter) Retained(scope Scope) time.Time {
	if f.From.Time.After(scope.Oldest) {
		return f.From.Time
	}
	return scope.Oldest
}

// Table writes what a statement on the filter's events reads from: the table, but for
// times of the archive.
func (f *Filter) Table(b *Builder, scope Scope) {
	if scope.Archive == nil {
		b.Write(schema.Events)
		return
	}
	scope.Archive.From(b, f.Lower(scope), f.To.Time)
}
