package export

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
)

// The headers and trailers of an export.
const (
	ViewHeader    = "Daybook-Export-View"   // what cursor= takes to read the same view again
	CursorTrailer = "Daybook-Export-Cursor" // what cursor= takes to go on behind the last event, where limit left some
	RowsTrailer   = "Daybook-Export-Rows"   // the events of this answer
	SumTrailer    = "Daybook-Export-Sha256" // of the answer's bytes, before any Content-Encoding
)

const (
	// writeTimeout bounds each write: a caller that stops reading must not hold
	// a connection to ClickHouse for ever.
	writeTimeout = 30 * time.Second
	bufferBytes  = 64 << 10
	// flushAfter bounds how long events wait for others in the buffer.
	flushAfter = time.Second
)

// output is an export's way to its caller: checksum, compression, buffer. The
// answer begins with the first write to the caller, so that a fault before it is
// answered as a problem.
type output struct {
	response http.ResponseWriter
	control  *http.ResponseController
	begin    func(http.Header)
	sum      hash.Hash
	zip      *gzip.Writer // nil: the answer isn't compressed
	buffer   *bufio.Writer
	begun    bool
	flushed  time.Time
}

func newOutput(w http.ResponseWriter, compressed bool, begin func(http.Header)) *output {
	o := &output{response: w, control: http.NewResponseController(w), begin: begin, sum: sha256.New(), flushed: time.Now()}
	o.buffer = bufio.NewWriterSize(writerFunc(o.send), bufferBytes)
	if compressed {
		o.zip, _ = gzip.NewWriterLevel(o.buffer, gzip.BestSpeed) // The level is a valid one.
	}
	return o
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// send passes bytes to the caller.
func (o *output) send(p []byte) (int, error) {
	if !o.begun {
		o.begun = true
		header := o.response.Header()
		if o.zip != nil {
			header.Set("Content-Encoding", "gzip")
		}
		header.Set("Trailer", strings.Join([]string{CursorTrailer, RowsTrailer, SumTrailer}, ", "))
		o.begin(header)
		o.response.WriteHeader(http.StatusOK)
	}
	_ = o.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // Of no use in tests, where there is no connection.
	return o.response.Write(p)
}

// Write implements io.Writer for an encoder.
func (o *output) Write(p []byte) (int, error) {
	o.sum.Write(p)
	if o.zip != nil {
		return o.zip.Write(p)
	}
	return o.buffer.Write(p)
}

// rest sends what has waited long enough.
func (o *output) rest() error {
	if time.Since(o.flushed) < flushAfter {
		return nil
	}
	return o.flush()
}

func (o *output) flush() error {
	o.flushed = time.Now()
	if o.zip != nil {
		if err := o.zip.Flush(); err != nil {
			return err
		}
	}
	if err := o.buffer.Flush(); err != nil {
		return err
	}
	if o.begun {
		_ = o.control.SetWriteDeadline(time.Now().Add(writeTimeout))
		_ = o.control.Flush() // A connection that is gone shows at the next write.
	}
	return nil
}

// end sends everything, and the trailers.
func (o *output) end(rows int64, next string) error {
	if o.zip != nil {
		if err := o.zip.Close(); err != nil {
			return err
		}
	}
	if err := o.buffer.Flush(); err != nil {
		return err
	}
	if !o.begun { // Nothing matches.
		if _, err := o.send(nil); err != nil {
			return err
		}
	}
	trailer := o.response.Header()
	trailer.Set(CursorTrailer, next)
	trailer.Set(RowsTrailer, strconv.FormatInt(rows, 10))
	trailer.Set(SumTrailer, hex.EncodeToString(o.sum.Sum(nil)))
	return nil
}

// acceptsGzip reads the header Accept-Encoding.
func acceptsGzip(header http.Header) bool {
	for _, value := range header.Values("Accept-Encoding") {
		for one := range strings.SplitSeq(value, ",") {
			coding, weight, _ := strings.Cut(one, ";")
			if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
				continue
			}
			q, weighted := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(weight), " ", ""), "q=")
			level, err := strconv.ParseFloat(q, 64)
			return !weighted || err == nil && level > 0
		}
	}
	return false
}

var _ io.Writer = (*output)(nil)
