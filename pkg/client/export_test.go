package client

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"daybook/pkg/event"
)

// exportServer is a server that cuts its answers: the nth after cuts[n] bytes,
// negative not at all.
type exportServer struct {
	t       *testing.T
	lines   []string // events; in a CSV without names
	head    string
	cuts    []int
	asked   []url.Values
	ending  func(header http.Header)
	refused int // answers 429 first
}

func (s *exportServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/api/v1/events/export" {
		s.t.Errorf("called %s", r.URL.Path)
	}
	q := r.URL.Query()
	s.asked = append(s.asked, q)
	if s.refused > 0 {
		s.refused--
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	rest, body := s.lines, s.head
	if after := q.Get("after"); after != "" {
		id := strings.Split(after, "/")[1]
		for i, line := range s.lines {
			if strings.Contains(line, id) {
				rest, body = s.lines[i+1:], ""
			}
		}
	}
	next := ""
	if limit, err := strconv.Atoi(q.Get("limit")); err == nil && limit < len(rest) {
		rest, next = rest[:limit], "more"
	}
	body += strings.Join(rest, "")
	w.Header().Set("Daybook-Export-View", "view")
	w.Header().Set("Trailer", "Daybook-Export-Rows, Daybook-Export-Sha256, Daybook-Export-Cursor")
	if len(s.cuts) > 0 {
		cut := s.cuts[0]
		if s.cuts = s.cuts[1:]; cut >= 0 {
			_, _ = w.Write([]byte(body[:min(cut, len(body))]))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	}
	_, _ = w.Write([]byte(body))
	sum := sha256.Sum256([]byte(body))
	w.Header().Set("Daybook-Export-Rows", strconv.Itoa(len(rest)))
	w.Header().Set("Daybook-Export-Sha256", hex.EncodeToString(sum[:]))
	w.Header().Set("Daybook-Export-Cursor", next)
	if s.ending != nil {
		s.ending(w.Header())
	}
}

func ndjsonEvents(n int) (lines []string) {
	for i := range n {
		lines = append(lines, fmt.Sprintf(`{"eventId":"evt_%d.","source":"a/b","createdAt":"2026-04-17T14:32:01Z"}`+"\n", i))
	}
	return lines
}

func csvEvents(n int) (lines []string) {
	for i := range n {
		cells := make([]string, len(event.CSVColumns))
		cells[0], cells[4], cells[15] = fmt.Sprintf("'=evt_%d.", i), "a/b", "2026-04-17T14:32:01Z"
		cells[17] = "\"{\"\"a\"\":\n\"\"b,\"\"}\""
		lines = append(lines, strings.Join(cells, ",")+"\n")
	}
	return lines
}

// However an export is cut, what is written is each event once.
func TestExport_Resumes(t *testing.T) {
	for format, s := range map[string]exportServer{
		"ndjson": {lines: ndjsonEvents(30)},
		"csv":    {lines: csvEvents(30), head: strings.Join(event.CSVColumns, ",") + "\n"},
	} {
		whole := s.head + strings.Join(s.lines, "")
		for cut := 0; cut < len(whole); cut += 61 {
			s, resumed := s, 0
			s.t, s.asked, s.cuts, s.refused = t, nil, []int{cut, 300, 20}, 0
			var out bytes.Buffer
			c := newClient(t, s.ServeHTTP)
			exported, err := c.exportFast(t, url.Values{"format": {format}}, &out, func(error, time.Duration) { resumed++ })
			if err != nil || exported.Rows != 30 || out.String() != whole {
				t.Fatalf("%s cut at %d: %v %v, %d bytes of %d", format, cut, exported, err, out.Len(), len(whole))
			}
			for _, q := range s.asked[1:] {
				if q.Get("cursor") != "view" || q.Get("format") != format {
					t.Errorf("went on with %v", q)
				}
			}
			if resumed == 0 {
				t.Error("nobody was told")
			}
			if want := "2026-04-17T14:32:01Z/evt_"; format == "ndjson" && cut > 200 && !strings.HasPrefix(s.asked[1].Get("after"), want) {
				t.Errorf("went on after %q", s.asked[1].Get("after"))
			}
			if want := "2026-04-17T14:32:01Z/=evt_"; format == "csv" && cut > 600 && !strings.HasPrefix(s.asked[1].Get("after"), want) {
				t.Errorf("went on after %q", s.asked[1].Get("after"))
			}
		}
	}
}

// exportFast is Export without the waits.
func (c *Client) exportFast(t *testing.T, parameters url.Values, out *bytes.Buffer, told func(error, time.Duration)) (Exported, error) {
	t.Helper()
	return c.Export(t.Context(), parameters, out, ExportOptions{OnResume: told, FirstWait: time.Millisecond})
}

func TestExport_Limit(t *testing.T) {
	s := exportServer{t: t, lines: ndjsonEvents(30), cuts: []int{500}}
	var out bytes.Buffer
	exported, err := newClient(t, s.ServeHTTP).exportFast(t, url.Values{"limit": {"12"}}, &out, nil)
	if err != nil || exported != (Exported{Rows: 12, Next: "more"}) || out.String() != strings.Join(s.lines[:12], "") {
		t.Errorf("%v %v", exported, err)
	}
	if got := s.asked[1].Get("limit"); got != "5" {
		t.Errorf("asked for %s more", got)
	}
}

// What has not arrived as it was sent is no export.
func TestExport_ChecksTheEnd(t *testing.T) {
	for says, ending := range map[string]func(http.Header){
		"not what was sent": func(h http.Header) { h.Set("Daybook-Export-Rows", "31") },
		"SHA-256":           func(h http.Header) { h.Set("Daybook-Export-Sha256", "00") },
		"no trailers":       func(h http.Header) { h.Del("Daybook-Export-Rows") },
	} {
		s := exportServer{t: t, lines: ndjsonEvents(30), ending: ending}
		_, err := newClient(t, s.ServeHTTP).exportFast(t, nil, &bytes.Buffer{}, nil)
		if err == nil || !strings.Contains(err.Error(), says) || len(s.asked) != 1 {
			t.Errorf("%s: %v after %d calls", says, err, len(s.asked))
		}
	}
}

func TestExport_Fails(t *testing.T) {
	refusing := exportServer{t: t, lines: ndjsonEvents(3), refused: 2}
	if exported, err := newClient(t, refusing.ServeHTTP).exportFast(t, nil, &bytes.Buffer{}, nil); err != nil || exported.Rows != 3 {
		t.Errorf("busy for a while: %v", err)
	}
	refusing.refused = 1000
	var answer *Error
	if _, err := newClient(t, refusing.ServeHTTP).exportFast(t, nil, &bytes.Buffer{}, nil); !errors.As(err, &answer) || answer.Status != http.StatusTooManyRequests {
		t.Errorf("busy for ever: %v", err)
	}
	cutting := exportServer{t: t, lines: ndjsonEvents(3), cuts: make([]int, 100)}
	var cut *CutError
	if _, err := newClient(t, cutting.ServeHTTP).exportFast(t, nil, &bytes.Buffer{}, nil); !errors.As(err, &cut) || cut.Cursor != "view" || len(cutting.asked) != maxFailures {
		t.Errorf("cut for ever: %v after %d calls", err, len(cutting.asked))
	}
	parquet := exportServer{t: t, lines: ndjsonEvents(3), cuts: []int{10}}
	if _, err := newClient(t, parquet.ServeHTTP).exportFast(t, url.Values{"format": {"parquet"}}, &bytes.Buffer{}, nil); !errors.As(err, &cut) || len(parquet.asked) != 1 {
		t.Errorf("a cut Parquet file: %v", err)
	}
	bad := newClient(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) })
	if _, err := bad.exportFast(t, nil, &bytes.Buffer{}, nil); !errors.As(err, &answer) || errors.As(err, &cut) {
		t.Errorf("a bad request: %v", err)
	}
	full := exportServer{t: t, lines: ndjsonEvents(3)}
	if _, err := newClient(t, full.ServeHTTP).Export(t.Context(), nil, fullDisk{}, ExportOptions{}); !errors.Is(err, errFull) || len(full.asked) != 1 {
		t.Errorf("a full disk: %v after %d calls", err, len(full.asked))
	}
}

var errFull = errors.New("no space left on device")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }
