package apierror

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestKinds_Complete(t *testing.T) {
	if len(Kinds) != len(statuses) || len(Kinds) != len(titles) {
		t.Errorf("%d kinds, %d statuses, %d titles", len(Kinds), len(statuses), len(titles))
	}
	for _, k := range Kinds {
		if !k.Known() || k.Status() < 400 || k.Title() == "" || k.Advice() == "" {
			t.Errorf("%s lacks a status, title or advice", k)
		}
	}
	if Kind("x").Known() || Kind("x").Status() != 500 {
		t.Error("an unknown kind must be a 500")
	}
}

func TestFrom(t *testing.T) {
	cause := errors.New("secret of the database")
	e := From(fmt.Errorf("read: %w", cause))
	if e.Kind != KindInternal || !errors.Is(e, cause) {
		t.Errorf("%v", e)
	}
	body, err := json.Marshal(e.Problem("r1"))
	if err != nil || strings.Contains(string(body), "secret") || !strings.Contains(string(body), `"requestId":"r1"`) {
		t.Errorf("%s, %v", body, err)
	}
	if own := From(fmt.Errorf("parse: %w", InvalidAt("q", 0, "is empty"))); own.Status() != 400 || *own.Fields[0].Position != 0 {
		t.Errorf("%+v", own)
	}
}

func TestRetrySeconds(t *testing.T) {
	for _, c := range []struct {
		kind  Kind
		after time.Duration
		want  int
	}{{KindTooMany, 0, 1}, {KindTooMany, 1100 * time.Millisecond, 2}, {KindUnavailable, 5 * time.Second, 5}, {KindInvalid, time.Minute, 0}} {
		if got := (&Error{Kind: c.kind, RetryAfter: c.after}).RetrySeconds(); got != c.want {
			t.Errorf("%s after %v: %d, want %d", c.kind, c.after, got, c.want)
		}
	}
}

func TestJoin(t *testing.T) {
	a, b := Invalid("name", "is empty"), Invalid("scopes", "is empty")
	joined := Join(nil, a, nil, b)
	if len(joined.Fields) != 2 || joined.Detail != "name: is empty; scopes: is empty" || len(a.Fields) != 1 {
		t.Errorf("%+v, and the first became %+v", joined, a)
	}
	if Join(nil, nil) != nil {
		t.Error("nothing joined must be nil")
	}
}
