package export

import (
	"io"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"daybook/pkg/event"
)

// parquetRow is an event as a row. What an event may lack is optional: null
// then.
type parquetRow struct {
	EventID       string    `parquet:"eventId"`
	TenantID      string    `parquet:"tenantId,dict"`
	EventType     string    `parquet:"eventType,dict"`
	Category      string    `parquet:"category,dict"`
	Source        string    `parquet:"source,optional,dict"`
	Severity      string    `parquet:"severity,dict"`
	ActorType     string    `parquet:"actorType,optional,dict"`
	ActorID       string    `parquet:"actorId,optional"`
	ActorName     string    `parquet:"actorName,optional"`
	ActorEmail    string    `parquet:"actorEmail,optional"`
	TargetType    string    `parquet:"targetType,optional,dict"`
	TargetID      string    `parquet:"targetId,optional"`
	CorrelationID string    `parquet:"correlationId,optional"`
	IPAddress     string    `parquet:"ipAddress,optional"`
	UserAgent     string    `parquet:"userAgent,optional"`
	CreatedAt     time.Time `parquet:"createdAt,timestamp(microsecond)"`
	IngestedAt    time.Time `parquet:"ingestedAt,timestamp(millisecond)"`
	Payload       []byte    `parquet:"payload,json"`
	Extra         []byte    `parquet:"extra,json"` // {} where there is none: the library fails on JSON that is optional.
}

// archivedRow is the row of an export with include=archive.
type archivedRow struct {
	parquetRow
	Archived bool `parquet:"archived"`
}

const (
	// A row group stands in memory until it is written.
	groupBytes = 8 << 20
	groupRows  = 50_000
	pageBytes  = 128 << 10
	batchRows  = 256
)

// columns writes row groups of bounded size. The file's last part lists them: a
// file that was cut can't be read.
type columns[Row any] struct {
	out   *parquet.GenericWriter[Row]
	of    func(parquetRow, *event.Event) Row
	batch []Row // not handed to out yet
	rows  int   // of the row group
	bytes int   // of the row group
}

func newParquet(out io.Writer, _, archive bool) (encoder, error) {
	if archive {
		return newColumns(out, func(row parquetRow, e *event.Event) archivedRow { return archivedRow{row, e.Archived} }), nil
	}
	return newColumns(out, func(row parquetRow, _ *event.Event) parquetRow { return row }), nil
}

func newColumns[Row any](out io.Writer, of func(parquetRow, *event.Event) Row) *columns[Row] {
	return &columns[Row]{of: of, out: parquet.NewGenericWriter[Row](out,
		parquet.Compression(&zstd.Codec{Level: zstd.SpeedFastest}),
		parquet.PageBufferSize(pageBytes),
		parquet.CreatedBy("daybook", "", ""),
		parquet.SkipPageBounds("payload"), parquet.SkipPageBounds("extra"),
	)}
}

func (c *columns[Row]) write(e *event.Event) error {
	row := parquetRow{
		EventID: e.EventID, TenantID: e.TenantID, EventType: e.EventType, Category: e.Category, Source: e.Source, Severity: e.Severity.String(),
		ActorType: e.ActorType, ActorID: e.ActorID, ActorName: e.ActorName, ActorEmail: e.ActorEmail, TargetType: e.TargetType,
		TargetID: e.TargetID, CorrelationID: e.CorrelationID, IPAddress: e.IPAddress, UserAgent: e.UserAgent,
		CreatedAt: e.CreatedAt, IngestedAt: e.IngestedAt, Payload: e.Payload, Extra: e.Extra,
	}
	if row.Extra == nil {
		row.Extra = []byte("{}")
	}
	c.batch = append(c.batch, c.of(row, e))
	c.rows++
	c.bytes += 200 + len(e.EventID) + len(e.ActorID) + len(e.TargetID) + len(e.CorrelationID) + len(e.UserAgent) + len(e.Payload) + len(e.Extra)
	if c.rows >= groupRows || c.bytes >= groupBytes {
		return c.endGroup()
	}
	if len(c.batch) == batchRows {
		return c.hand()
	}
	return nil
}

// hand passes the batch on.
func (c *columns[Row]) hand() error {
	_, err := c.out.Write(c.batch)
	clear(c.batch) // Their texts may be freed.
	c.batch = c.batch[:0]
	return err
}

func (c *columns[Row]) endGroup() error {
	if err := c.hand(); err != nil {
		return err
	}
	c.rows, c.bytes = 0, 0
	return c.out.Flush()
}

func (c *columns[Row]) close() error {
	if err := c.hand(); err != nil {
		return err
	}
	return c.out.Close()
}
