// Package ssetest has what every reader of an event stream must make of what a
// server may send. The page's reader is held to the same file.
package ssetest

import (
	_ "embed"
	"encoding/json"
	"fmt"
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

//go:embed vectors.json
var file []byte

// Vectors follow the web platform tests of eventsource/ (format-*.any.js).
var Vectors = read()

func read() []Vector {
	var list []struct {
		Name    string
		Stream  string
		Bytes   []byte // base64, where the stream is not UTF-8
		Want    []string
		LastID  string
		RetryMs int64
	}
	if err := json.Unmarshal(file, &list); err != nil {
		panic(fmt.Sprintf("vectors.json: %v", err))
	}
	vectors := make([]Vector, len(list))
	for i, v := range list {
		vectors[i] = Vector{v.Name, v.Stream + string(v.Bytes), v.Want, v.LastID, time.Duration(v.RetryMs) * time.Millisecond}
		if len(v.Want) == 0 {
			vectors[i].Want = nil
		}
	}
	return vectors
}
