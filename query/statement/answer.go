package statement

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// AppendMeta appends the object meta of an answer, as every call has it.
func AppendMeta(body []byte, began time.Time, usage Usage, source string, partial bool) []byte {
	body = strconv.AppendFloat(append(body, `{"elapsedMs":`...), Milliseconds(time.Since(began)), 'f', -1, 64)
	body = strconv.AppendUint(append(body, `,"rowsRead":`...), usage.RowsRead, 10)
	body = append(append(append(body, `,"source":"`...), source...), `","partial":`...)
	return append(strconv.AppendBool(body, partial), '}')
}

// Milliseconds returns a duration as answers have it, to a hundredth.
func Milliseconds(d time.Duration) float64 {
	return float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
}

// WriteJSON sends a whole answer. Events are somebody's data: no cache keeps
// them.
func WriteJSON(w http.ResponseWriter, body []byte) error { return write(w, http.StatusOK, body) }

// WriteValue sends a value as JSON, with a status. Texts stand in it as they are: < is no \u003c.
func WriteValue(w http.ResponseWriter, status int, value any) error {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err
	}
	return write(w, status, body.Bytes())
}

func write(w http.ResponseWriter, status int, body []byte) error {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, err := w.Write(body)
	return err
}
