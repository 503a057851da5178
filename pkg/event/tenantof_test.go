package event_test

import (
	"strings"
	"testing"

	"daybook/pkg/event"
)

func TestTenantOf(t *testing.T) {
	binary := func(pairs ...string) []event.Header {
		return headers(append([]string{"ce_specversion", "1.0", "content-type", "application/json"}, pairs...)...)
	}
	for name, c := range map[string]struct {
		message *event.Message
		want    string
	}{
		"an event":                            {message(`{"tenantId":"acme","eventType":"a"}`), "acme"},
		"without a type":                      {message(` {"payload":{"tenantId":"other"},"tenantId":"ac\u006de"} `), "acme"},
		"with a member of a wrong type":       {message(`{"eventType":7,"tenantId":"acme"}`), "acme"},
		"with a member twice":                 {message(`{"eventType":"a","eventType":"b","tenantId":"acme"}`), "acme"},
		"none":                                {message(`{"eventType":"a"}`), ""},
		"in the payload alone":                {message(`{"eventType":"a","payload":{"tenantId":"acme"}}`), ""},
		"null":                                {message(`{"tenantId":null}`), ""},
		"a number":                            {message(`{"tenantId":7}`), ""},
		"empty":                               {message(`{"tenantId":""}`), ""},
		"all":                                 {message(`{"tenantId":"*"}`), ""},
		"not printable":                       {message(`{"tenantId":"a\nb"}`), ""},
		"a lone surrogate":                    {message(`{"tenantId":"a\ud800"}`), ""},
		"too long":                            {message(`{"tenantId":"` + strings.Repeat("a", 257) + `"}`), ""},
		"twice, the same":                     {message(`{"tenantId":"acme","tenantId":"acme"}`), ""},
		"two":                                 {message(`{"tenantId":"acme","tenantId":"other"}`), ""},
		"two, the second with an escape":      {message(`{"tenantId":"acme","tenant\u0049d":"other"}`), ""},
		"two, the second spelled otherwise":   {message(`{"tenantId":"acme","TENANTID":"other"}`), ""},
		"two, the second null":                {message(`{"tenantId":"acme","tenantId":null}`), ""},
		"spelled otherwise":                   {message(`{"tenantID":"acme","eventType":"a"}`), ""},
		"cut off":                             {message(`{"tenantId":"acme","payload":{"a":`), ""},
		"with something behind it":            {message(`{"tenantId":"acme"} {"tenantId":"other"}`), ""},
		"two on lines":                        {message("{\"tenantId\":\"acme\"}\n{\"tenantId\":\"other\"}"), ""},
		"an array":                            {message(`[{"tenantId":"acme"}]`), ""},
		"a string":                            {message(`"{\"tenantId\":\"acme\"}"`), ""},
		"nothing":                             {message(``), ""},
		"a tombstone":                         {&event.Message{}, ""},
		"no UTF-8":                            {message("{\"tenantId\":\"acme\",\"x\":\"\xff\"}"), ""},
		"deep":                                {message(`{"tenantId":"acme","x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`), ""},
		"a CloudEvent":                        {message(cloudEvent + `}`), "t"},
		"a CloudEvent, camelCase":             {message(`{"specversion":"1.0","tenantId":"acme"}`), "acme"},
		"a CloudEvent of two":                 {message(cloudEvent + `,"tenantId":"other"}`), ""},
		"a CloudEvent by its header":          {message(`{"tenantid":"acme"}`, headers("content-type", "application/cloudevents+json")...), "acme"},
		"a CloudEvent whose data name one":    {message(`{"specversion":"1.0","data":{"tenantid":"acme"}}`), ""},
		"what has both spellings of an event": {message(`{"eventType":"a","tenantId":"acme","tenantid":"other"}`), ""},
		"a binary CloudEvent":                 {message(`{"tenantId":"other"}`, binary("ce_tenantid", "acme")...), "acme"},
		"a binary CloudEvent, twice":          {message(`{}`, binary("ce_tenantid", "acme", "ce_tenantId", "other")...), ""},
		"a binary CloudEvent without":         {message(`{"tenantId":"acme"}`, binary()...), ""},
		"a binary CloudEvent, not UTF-8":      {message(`{}`, binary("ce_tenantid", "ac\xff")...), ""},
		"a binary CloudEvent that quotes":     {message(`{}`, binary("ce_tenantid", `a","tenantid":"acme`)...), `a","tenantid":"acme`},
	} {
		if got := event.TenantOf(c.message); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// What is an event is nobody else's than its tenant's.
func FuzzTenantOf(f *testing.F) {
	addSeeds(f)
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"s","type":"t","tenantId":"acme","tenantid":"other"}`))
	f.Add([]byte(`{"tenantId":"acme","tenantid":"other","eventType":"a","specversion":"1.0"}`))
	d := newDecoder(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, m := range []*event.Message{
			message(string(text)), message(string(text), headers("content-type", "application/cloudevents+json")...),
			message(string(text), headers("ce_specversion", "1.0", "ce_id", "1", "ce_source", "s", "ce_type", "t", "ce_tenantid", string(text))...),
		} {
			var e event.Event
			got := event.TenantOf(m)
			if err := d.Decode(m, &e); err == nil && got != "" && got != e.TenantID {
				t.Fatalf("%q is an event of %q, not of %q", text, e.TenantID, got)
			}
		}
	})
}
