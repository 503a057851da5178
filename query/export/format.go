package export

import (
	"io"

	"daybook/pkg/event"
)

// format is a way to write events down.
type format struct {
	name, extension, contentType string
	compressible                 bool // it isn't compressed by itself
	// encoder begins a file, or, where continued, the next part of one. archive: it says
	// of each event whether that is older than the retention.
	encoder func(out io.Writer, continued, archive bool) (encoder, error)
}

// encoder writes events one after the other.
type encoder interface {
	write(e *event.Event) error
	close() error
}

// formats are those that there are; the first is the default.
var formats = []format{
	{name: "ndjson", extension: "ndjson", contentType: "application/x-ndjson", compressible: true, encoder: newNDJSON},
	{name: "csv", extension: "csv", contentType: "text/csv; charset=utf-8; header=present", compressible: true, encoder: newCSV},
	{name: "parquet", extension: "parquet", contentType: "application/vnd.apache.parquet", encoder: newParquet},
}

func formatNamed(name string) (format, bool) {
	if name == "" {
		return formats[0], true
	}
	for _, f := range formats {
		if f.name == name {
			return f, true
		}
	}
	return format{}, false
}
