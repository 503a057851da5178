// Package ssetest has what every reader of an event stream must make of what a
// server may send.
package ssetest

import (
	"strings"
	"time"
)

// Vector is a stream and what comes of it.
type Vector struct {
	Name   string
	Stream string
	Want   []string // NAME|ID|DATA
	LastID string
	Retry  time.Duration
}

// Vectors follow the web platform tests of eventsource/ (format-*.any.js).
var Vectors = []Vector{
	{Name: "plain", Stream: "data: a\n\ndata: b\n\n", Want: []string{"message||a", "message||b"}},
	{Name: "bom", Stream: "\ufeffdata:1\n\n\ufeffdata:2\n\ndata:3\n\n", Want: []string{"message||1", "message||3"}},
	{Name: "two boms", Stream: "\ufeff\ufeffdata:1\n\ndata:2\n\n", Want: []string{"message||2"}},
	{Name: "part of a bom", Stream: "\xef\xbbdata:1\n\ndata:2\n\n", Want: []string{"message||2"}},
	{Name: "CR", Stream: "data: a\r\rdata: b\r\r", Want: []string{"message||a", "message||b"}},
	{Name: "CRLF", Stream: "data: a\r\ndata: b\r\n\r\n", Want: []string{"message||a\nb"}},
	{Name: "mixed line ends", Stream: "data:1\r:\n\ndata:2\n\rdata:3\r\n\n", Want: []string{"message||1", "message||2", "message||3"}},
	{Name: "comments", Stream: "data:1\n:\x00\n:\r\ndata:2\n:" + strings.Repeat("x", 2048) + "\rdata:3\n:data:fail\ndata:4\n\n",
		Want: []string{"message||1\n2\n3\n4"}},
	{Name: "cut before the empty line", Stream: "retry:1000\ndata:test1\n\nid:test\ndata:test2", Want: []string{"message||test1"}, Retry: time.Second},
	{Name: "cut after a line", Stream: "data:test1\n\nid:test\ndata:test2\n", Want: []string{"message||test1"}},
	{Name: "data field", Stream: "data:\n\ndata\ndata\n\ndata:test\n\n", Want: []string{"message||", "message||\n", "message||test"}},
	{Name: "parsing", Stream: "data:\x00\ndata:  2\rData:1\ndata\x00:2\ndata:1\r\x00data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\ndata:4\n\n",
		Want: []string{"message||\x00\n 2\n1\n3\n\n4"}},
	{Name: "leading space", Stream: "data:\ttest\rdata: \ndata:test\n\n", Want: []string{"message||\ttest\n\ntest"}},
	{Name: "newlines", Stream: "data:test\r\ndata\ndata:test\r\n\r\n", Want: []string{"message||test\n\ntest"}},
	{Name: "unknown field", Stream: "data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\ndata:test\n\n", Want: []string{"message||test\n\ntest"}},
	{Name: "null character", Stream: "data:\x00\n\n\n\n", Want: []string{"message||\x00"}},
	{Name: "event", Stream: "event:test\ndata:x\n\ndata:x\n\n", Want: []string{"test||x", "message||x"}},
	{Name: "empty event", Stream: "event: \ndata:data\n\n", Want: []string{"message||data"}},
	{Name: "event without data is forgotten", Stream: "event:test\n\ndata:x\n\n", Want: []string{"message||x"}},
	{Name: "id stays", Stream: "id: 1\ndata: a\n\ndata: b\n\n", Want: []string{"message|1|a", "message|1|b"}, LastID: "1"},
	{Name: "id is reset by an empty one", Stream: "id: 1\ndata: a\n\nid\ndata: b\n\n", Want: []string{"message|1|a", "message||b"}},
	{Name: "id with NUL", Stream: "id: 1\ndata: a\n\nid: 2\x003\ndata: b\n\n", Want: []string{"message|1|a", "message|1|b"}, LastID: "1"},
	{Name: "id alone", Stream: "id: 7\n\n", LastID: "7"},
	{Name: "id of a cut frame", Stream: "id: 7\ndata: a\n\nid: 8\ndata: b\n", Want: []string{"message|7|a"}, LastID: "7"},
	{Name: "retry", Stream: "retry:03000\n\nretry:bogus\n\nretry: 5 \n\nretry\n\nretry:-1\n\n", Retry: 3 * time.Second},
	{Name: "retry is bounded", Stream: "retry:99999999999999999999999\n\n", Retry: 24 * time.Hour},
	{Name: "utf-8", Stream: "data:ok…\n\n", Want: []string{"message||ok…"}},
	{Name: "nothing"},
}
