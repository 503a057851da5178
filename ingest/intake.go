package ingest

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/segmentio/kafka-go"

	"daybook/pkg/apierror"
	"daybook/pkg/event"
	"daybook/pkg/httpserver"
	daybookkafka "daybook/pkg/kafka"
	"daybook/pkg/tenant"
)

// publishTimeout bounds how long a request waits for the brokers.
const publishTimeout = 20 * time.Second

// maxRequestEvents bounds the events of one request.
const maxRequestEvents = 50_000

// Intake takes events over HTTP and publishes them to the topic, from where
// they take the way of every other event.
type Intake struct {
	writer  *daybookkafka.Writer
	decoder *event.Decoder
	now     func() time.Time
}

// NewIntake returns an Intake that publishes with the writer, which must wait
// for all replicas.
func NewIntake(writer *daybookkafka.Writer, decoder *event.Decoder, now func() time.Time) *Intake {
	return &Intake{writer: writer, decoder: decoder, now: now}
}

// Accepted is the answer to a POST: the ids of its events, in its order.
type Accepted struct {
	EventIDs []string `json:"eventIds"`
}

// Post answers POST /api/v1/events: one event, an array or NDJSON. It is all
// or nothing: where one event is invalid none is published. 202 means that
// all in-sync replicas have every event.
func (in *Intake) Post(c echo.Context) error {
	r := c.Request()
	if err := httpserver.NoParameters(r); err != nil {
		return err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return readError(err)
	}
	messages, ids, err := in.prepare(r.Header, body, tenant.FromContext(r.Context()))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), publishTimeout)
	defer cancel()
	if err := in.writer.WriteMessages(ctx, messages...); err != nil {
		if r.Context().Err() != nil {
			return r.Context().Err()
		}
		e := apierror.New(apierror.KindUnavailable, "Kafka did not acknowledge every event; send the request again, "+
			"with the same eventId in each event, so that what was published already is not stored twice")
		e.RetryAfter, e.Cause = time.Second, err
		return e
	}
	return c.JSON(http.StatusAccepted, Accepted{EventIDs: ids})
}

// readError tells a body that is too large from one that broke off.
func readError(err error) error {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooMany("has more than %d bytes; send fewer events at a time", tooLarge.Limit)
	}
	return apierror.Invalid("body", "broke off: %v", err)
}

func tooMany(format string, args ...any) *apierror.Error {
	e := apierror.Invalid("body", format, args...)
	e.Kind = apierror.KindTooLarge
	return e
}

func (in *Intake) prepare(header http.Header, body []byte, id tenant.ID) ([]kafka.Message, []string, error) {
	var parts [][]byte
	single, binary, err := event.FromHTTP(header, body)
	if err == nil && binary {
		parts = [][]byte{single}
	} else if err == nil {
		parts, err = event.SplitBatch(body, header.Get("Content-Type"))
	}
	if err != nil {
		return nil, nil, invalid(-1, err)
	}
	if len(parts) == 0 {
		return nil, nil, apierror.Invalid("body", "holds no event")
	}
	if len(parts) > maxRequestEvents {
		return nil, nil, tooMany("holds %d events, at most %d are taken at a time", len(parts), maxRequestEvents)
	}
	now := in.now().UTC().Truncate(time.Millisecond)
	messages, ids := make([]kafka.Message, 0, len(parts)), make([]string, 0, len(parts))
	var faults *apierror.Error
	for i, part := range parts {
		value, e, err := in.decoder.Prepare(part, string(id), now, newEventID)
		if err != nil {
			fault := invalid(i, err)
			if faults == nil {
				faults = fault
			} else if len(faults.Fields) < maxFaults {
				faults.Fields = append(faults.Fields, fault.Fields...)
			}
			continue
		}
		messages = append(messages, kafka.Message{Key: partitionKey(&e), Value: value, Time: now})
		ids = append(ids, e.EventID)
	}
	if faults != nil {
		return nil, nil, faults
	}
	return messages, ids, nil
}

// maxFaults bounds how many faults of a request are told.
const maxFaults = 100

// partitionKey keeps a tenant's chain of events, and a producer's repetition
// of an event, in one partition, without putting a large tenant into one.
func partitionKey(e *event.Event) []byte {
	chain := e.CorrelationID
	if chain == "" {
		chain = e.EventID
	}
	return append(append([]byte(e.TenantID), '/'), chain...)
}

// newEventID returns an id whose order is that of time.
func newEventID() string { return "evt_" + uuid.Must(uuid.NewV7()).String() }

// invalid turns a decoding error into the answer that names the event's index
// (-1: the whole request) and field.
func invalid(index int, err error) *apierror.Error {
	var reason *event.DecodeError
	if !errors.As(err, &reason) {
		return apierror.From(err)
	}
	field := cmp.Or(reason.Field, "body")
	if index >= 0 {
		field = strconv.Itoa(index)
		if reason.Field != "" {
			field += "." + reason.Field
		}
	}
	kind := apierror.KindInvalid
	switch reason.Class {
	case event.ClassTooLarge:
		kind = apierror.KindTooLarge
	case event.ClassForbiddenTenant:
		kind = apierror.KindForbidden
	case event.ClassUnsupportedMedia:
		kind = apierror.KindUnsupportedMedia
	}
	return &apierror.Error{
		Kind: kind, Detail: "no event was taken: " + reason.Error(),
		Fields: []apierror.Field{{Field: field, Message: reason.Message}},
	}
}
