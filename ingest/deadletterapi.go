package ingest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
	"github.com/labstack/echo/v4"

	"daybook/pkg/apierror"
	"daybook/pkg/auth"
	"daybook/pkg/clickhouse"
	"daybook/pkg/httpserver"
	"daybook/pkg/retention"
	"daybook/pkg/tenant"
)

// Bounds of the calls.
const (
	deadLettersPage    = 50
	maxDeadLettersPage = 200
	maxReplayIDs       = 1000
	// previewBytes is how much of a message the list shows.
	previewBytes = 4 << 10
	// deadLetterPatience bounds a read of the table.
	deadLetterPatience = 20 * time.Second
)

// DeadLetterAPI is dead letters over HTTP.
type DeadLetterAPI struct {
	Letters DeadLetters
	Kept    retention.Policy
	// ParseTime reads a time as every other call does.
	ParseTime func(text string, now time.Time) (time.Time, error)
}

// Routes are the calls by which admins look at dead letters and publish them
// again. The admin of one tenant sees those whose messages name the tenant for
// certain; what names nobody is for keys of every tenant alone.
func (a DeadLetterAPI) Routes() []httpserver.Route {
	const path = "/api/v1/deadletters"
	return []httpserver.Route{
		{Method: http.MethodGet, Path: path, Scope: auth.ScopeAdmin, AnyTenant: true, Handler: a.list},
		{Method: http.MethodGet, Path: path + "/:id", Scope: auth.ScopeAdmin, AnyTenant: true, Handler: a.show},
		{Method: http.MethodPost, Path: path + "/replay", Scope: auth.ScopeAdmin, AnyTenant: true, Handler: a.replay},
	}
}

type deadLetterAnswer struct {
	ID         string     `json:"id"`
	TenantID   *tenant.ID `json:"tenantId"` // nil: the message names nobody for certain
	Topic      string     `json:"topic"`
	Partition  int32      `json:"partition"`
	Offset     int64      `json:"offset"`
	Time       time.Time  `json:"time"`
	Bytes      int        `json:"bytes"`
	Class      string     `json:"class"`
	Field      string     `json:"field"`
	Error      string     `json:"error"`
	ReplayedAt *time.Time `json:"replayedAt"`

	Key         *string `json:"key,omitempty"`
	KeyBase64   *string `json:"keyBase64,omitempty"`
	Value       *string `json:"value,omitempty"`
	ValueBase64 *string `json:"valueBase64,omitempty"`

	Headers []deadLetterHeader `json:"headers,omitempty"`
}

type deadLetterHeader struct {
	Name        string  `json:"name"`
	Value       *string `json:"value,omitempty"`
	ValueBase64 *string `json:"valueBase64,omitempty"`
}

// textOrBase64 returns bytes as they stand in JSON.
func textOrBase64(b []byte, isText bool) (text, encoded *string) {
	if isText {
		s := string(b)
		return &s, nil
	}
	s := base64.StdEncoding.EncodeToString(b)
	return nil, &s
}

// whole cuts off what a preview has of a character that it does not have whole.
func whole(b []byte) []byte {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if last := b[len(b)-n:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				return b[:len(b)-n]
			}
			break
		}
	}
	return b
}

func answerOf(l *DeadLetter) deadLetterAnswer {
	m := &l.Message
	out := deadLetterAnswer{
		ID: l.ID.String(), Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Time: m.Time.UTC(), Bytes: l.Bytes,
		Class: l.Reason.Class, Field: l.Reason.Field, Error: l.Reason.Message,
	}
	if l.Tenant != "" {
		out.TenantID = &l.Tenant
	}
	if !l.Replayed.IsZero() {
		out.ReplayedAt = &l.Replayed
	}
	if key := whole(m.Key); len(m.Key) > 0 {
		out.Key, out.KeyBase64 = textOrBase64(key, utf8.Valid(key))
	}
	value := m.Value
	if l.Text {
		value = whole(value)
	}
	out.Value, out.ValueBase64 = textOrBase64(value, l.Text)
	return out
}

func (a DeadLetterAPI) list(c echo.Context) error {
	given, err := httpserver.Parameters(c.Request(), "class", "from", "to", "pending", "limit", "cursor")
	if err != nil {
		return err
	}
	f, fault := a.filter(httpserver.Reach(c), given["class"], given["from"], given["to"])
	f.Limit, f.Preview = deadLettersPage, previewBytes
	if text := given["limit"]; text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxDeadLettersPage {
			fault = apierror.Join(fault, apierror.Invalid("limit", "%.64q is not a number from 1 to %d", text, maxDeadLettersPage))
		}
		f.Limit = n
	}
	switch text := given["pending"]; text {
	case "", "false":
	case "true":
		f.Pending = true
	default:
		fault = apierror.Join(fault, apierror.Invalid("pending", "%.64q is neither true nor false", text))
	}
	binding := fmt.Sprint(f.Tenant, "\x00", given["class"], "\x00", given["from"], "\x00", given["to"], "\x00", f.Pending)
	if text := given["cursor"]; text != "" {
		place, err := openPlace(text, binding)
		if err != nil {
			fault = apierror.Join(fault, err)
		}
		f.After = &place
	}
	if fault != nil {
		return fault
	}
	f.Limit++ // One more tells whether there is another page.
	ctx, cancel := context.WithTimeout(c.Request().Context(), deadLetterPatience)
	defer cancel()
	letters, err := a.Letters.List(ctx, f)
	if err != nil {
		return deadLetterFault(err)
	}
	answer := struct {
		DeadLetters []deadLetterAnswer `json:"deadLetters"`
		NextCursor  *string            `json:"nextCursor"`
	}{DeadLetters: make([]deadLetterAnswer, 0, len(letters))}
	if len(letters) == f.Limit {
		letters = letters[:f.Limit-1]
		next := sealPlace(letters[len(letters)-1].place(), binding)
		answer.NextCursor = &next
	}
	for i := range letters {
		answer.DeadLetters = append(answer.DeadLetters, answerOf(&letters[i]))
	}
	return c.JSON(http.StatusOK, answer)
}

// filter reads what chooses dead letters in every call.
func (a DeadLetterAPI) filter(of tenant.ID, class, from, to string) (DeadLetterFilter, *apierror.Error) {
	now := a.Letters.Now()
	// What is older may still be in the table: it leaves in parts.
	oldest := a.Kept.Oldest(of, now)
	f := DeadLetterFilter{Tenant: of, Class: class, From: oldest}
	var fault *apierror.Error
	for _, one := range []struct {
		name, text string
		at         *time.Time
	}{{"from", from, &f.From}, {"to", to, &f.To}} {
		if one.text == "" {
			continue
		}
		at, err := a.ParseTime(one.text, now)
		if err != nil {
			fault = apierror.Join(fault, apierror.Invalid(one.name, "%v", err))
		}
		*one.at = within(at, time.Unix(0, 0), lastTime)
	}
	if f.From.Before(oldest) {
		f.From = oldest
	}
	return f, fault
}

// lastTime is more than any message has, and what the table's times can be compared with.
var lastTime = time.Date(2299, 1, 1, 0, 0, 0, 0, time.UTC)

func within(t, least, most time.Time) time.Time {
	switch {
	case t.Before(least):
		return least
	case t.After(most):
		return most
	}
	return t
}

func (a DeadLetterAPI) show(c echo.Context) error {
	if err := httpserver.NoParameters(c.Request()); err != nil {
		return err
	}
	id, err := ParseDeadLetterID(httpserver.PathValue(c, "id"))
	if err != nil {
		return apierror.New(apierror.KindNotFound, "%v", err)
	}
	f, _ := a.filter(httpserver.Reach(c), "", "", "")
	f.IDs, f.Limit = []DeadLetterID{id}, 1
	ctx, cancel := context.WithTimeout(c.Request().Context(), deadLetterPatience)
	defer cancel()
	letters, err := a.Letters.List(ctx, f)
	if err != nil {
		return deadLetterFault(err)
	}
	if len(letters) == 0 {
		return apierror.New(apierror.KindNotFound, "there is no dead letter %s", id)
	}
	answer := answerOf(&letters[0])
	for _, h := range letters[0].Message.Headers {
		header := deadLetterHeader{Name: strings.ToValidUTF8(h.Key, "\uFFFD")}
		header.Value, header.ValueBase64 = textOrBase64(h.Value, utf8.Valid(h.Value))
		answer.Headers = append(answer.Headers, header)
	}
	return c.JSON(http.StatusOK, answer)
}

// replayRequest says which dead letters are to be published again.
type replayRequest struct {
	IDs   []string `json:"ids"`
	Class string   `json:"class"`
	From  string   `json:"from"`
	To    string   `json:"to"`
	Every bool     `json:"every"` // all that the caller sees
	Again bool     `json:"again"` // also those that were published again before
}

func (a DeadLetterAPI) replay(c echo.Context) error {
	r := c.Request()
	if err := httpserver.NoParameters(r); err != nil {
		return err
	}
	var asked replayRequest
	if err := httpserver.DecodeJSON(r, &asked); err != nil {
		return err
	}
	f, fault := a.filter(httpserver.Reach(c), asked.Class, asked.From, asked.To)
	f.Pending = !asked.Again
	if len(asked.IDs) == 0 && asked.Class == "" && asked.From == "" && asked.To == "" && !asked.Every {
		fault = apierror.Join(fault, apierror.Invalid("ids", "say which: ids, class, from, to, or every for all"))
	}
	if len(asked.IDs) > maxReplayIDs {
		return apierror.Invalid("ids", "are %d, at most %d are taken at a time", len(asked.IDs), maxReplayIDs)
	}
	for _, text := range asked.IDs {
		id, err := ParseDeadLetterID(text)
		if err != nil {
			return apierror.Join(fault, apierror.Invalid("ids", "%v", err))
		}
		f.IDs = append(f.IDs, id)
	}
	if fault != nil {
		return fault
	}
	if err := a.known(r.Context(), f); err != nil {
		return err
	}
	n, err := a.Letters.Replay(r.Context(), f)
	if err != nil {
		return replayFault(r.Context(), n, err)
	}
	return c.JSON(http.StatusOK, map[string]int{"replayed": n})
}

// known refuses ids of which the caller sees no dead letter.
func (a DeadLetterAPI) known(ctx context.Context, f DeadLetterFilter) error {
	if len(f.IDs) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, deadLetterPatience)
	defer cancel()
	f.Pending = false
	places, err := a.Letters.places(ctx, f)
	if err != nil {
		return deadLetterFault(err)
	}
	for _, id := range f.IDs {
		if !slices.ContainsFunc(places, func(p deadLetterPlace) bool { return p.partition == id.Partition && p.offset == id.Offset }) {
			e := apierror.New(apierror.KindNotFound, "nothing was published: there is no dead letter %s that the request chooses", id)
			e.Fields = []apierror.Field{{Field: "ids", Message: "there is no dead letter " + id.String()}}
			return e
		}
	}
	return nil
}

// deadLetterFault turns what ClickHouse says into what the caller is told.
func deadLetterFault(err error) error {
	if clickhouse.IsRetriable(err) {
		return &apierror.Error{Kind: apierror.KindUnavailable, Detail: "the dead letters can't be read at the moment", RetryAfter: 2 * time.Second, Cause: err}
	}
	return err
}

// replayFault tells how far a replay has come that failed.
func replayFault(ctx context.Context, done int, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &apierror.Error{
		Kind: apierror.KindUnavailable, RetryAfter: 2 * time.Second, Cause: err,
		Detail: fmt.Sprintf("%d were published again, then Kafka or ClickHouse did not answer; send the request again, which leaves those out unless it says again", done),
	}
}

// sealPlace returns the cursor behind a place in the list. It is bound to what
// was asked for; what it may show is decided anew on each page.
func sealPlace(p deadLetterPlace, binding string) string {
	text := fmt.Sprintf("%d.%d.%d.%016x", p.at.UnixMilli(), p.partition, p.offset, xxhash.Sum64String(binding))
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// openPlace reads a cursor.
func openPlace(cursor, binding string) (deadLetterPlace, *apierror.Error) {
	damaged := apierror.Invalid("cursor", "is damaged or cut off: pass it on as it came")
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) > 128 {
		return deadLetterPlace{}, damaged
	}
	parts := strings.Split(string(raw), ".")
	if len(parts) != 4 {
		return deadLetterPlace{}, damaged
	}
	at, err1 := strconv.ParseInt(parts[0], 10, 64)
	partition, err2 := strconv.ParseInt(parts[1], 10, 32)
	offset, err3 := strconv.ParseInt(parts[2], 10, 64)
	bound, err4 := strconv.ParseUint(parts[3], 16, 64)
	if errors.Join(err1, err2, err3, err4) != nil {
		return deadLetterPlace{}, damaged
	}
	if bound != xxhash.Sum64String(binding) {
		return deadLetterPlace{}, apierror.Invalid("cursor", "belongs to a request with other parameters")
	}
	return deadLetterPlace{int32(partition), offset, time.UnixMilli(at)}, nil
}
