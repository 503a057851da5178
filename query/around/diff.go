package around

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"daybook/pkg/apierror"
	"daybook/pkg/event"
	"daybook/pkg/tenant"
	"daybook/query/archived"
	"daybook/query/filter"
	"daybook/query/statement"
)

// ServeDiff answers GET /api/v1/events/{eventId}/diff?with=ID: what makes the
// payload of the event that of the other.
func (s *Service) ServeDiff(w http.ResponseWriter, r *http.Request) error {
	began := time.Now()
	values, err := filter.Values(r.URL.RawQuery)
	if err != nil {
		return err
	}
	for name := range values {
		if name != "with" && name != archived.Parameter {
			return apierror.Invalid(name, "is not a parameter of this call")
		}
	}
	archive, err := archived.Asked(values)
	if err != nil {
		return err
	}
	if len(values["with"]) != 1 || values.Get("with") == "" {
		return apierror.Invalid("with", "is needed once: the id of the event to compare with")
	}
	var usage statement.Usage
	var payloads [2]any
	var events [2]*event.Event
	for i, id := range []string{r.PathValue("eventId"), values.Get("with")} {
		if events[i], err = s.events.Event(r.Context(), tenant.FromContext(r.Context()), id, archive, &usage); err != nil {
			if i == 1 && errors.As(err, new(*apierror.Error)) && apierror.From(err).Kind == apierror.KindNotFound {
				return apierror.Invalid("with", "names no event, or one that is older than the retention")
			}
			return err
		}
		if payloads[i], err = decode(events[i].Payload); err != nil {
			return fmt.Errorf("read the payload of event %s: %w", id, err)
		}
	}
	patch := difference(payloads[0], payloads[1])
	out := appendText([]byte(`{"from":`), events[0].EventID)
	out = append(appendText(append(out, `,"to":`...), events[1].EventID), `,"patch":`...)
	text, err := encode(patch)
	if err != nil {
		return err
	}
	source := "raw"
	if events[0].Archived || events[1].Archived {
		source = archived.Value
	}
	out = append(out, text...)
	out = statement.AppendMeta(append(out, `,"meta":`...), began, usage, source, false)
	return statement.WriteJSON(w, append(out, '}'))
}

// decode reads JSON, with numbers as they are written. Of members of the same
// name the last counts.
func decode(text []byte) (value any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return value, d.Decode(&value)
}

func encode(patch []operation) ([]byte, error) {
	if patch == nil {
		return []byte("[]"), nil
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(patch); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(out.Bytes()), nil
}
