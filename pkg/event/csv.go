package event

import (
	"strings"
	"time"
)

// CSVColumns are the names of the columns of a CSV, its first line.
var CSVColumns = []string{
	"eventId", "tenantId", "eventType", "category", "source", "severity", "actorType", "actorId", "actorName", "actorEmail",
	"targetType", "targetId", "correlationId", "ipAddress", "userAgent", "createdAt", "ingestedAt", "payload", "extra",
}

// CSVRow returns the cells of an event, safe for spreadsheets: see Inert.
func CSVRow(row []string, e *Event) []string {
	row = append(row[:0],
		e.EventID, e.TenantID, e.EventType, e.Category, e.Source, e.Severity.String(), e.ActorType, e.ActorID, e.ActorName, e.ActorEmail,
		e.TargetType, e.TargetID, e.CorrelationID, e.IPAddress, e.UserAgent,
		e.CreatedAt.UTC().Format(time.RFC3339Nano), e.IngestedAt.UTC().Format(time.RFC3339Nano), string(e.Payload), string(e.Extra),
	)
	for i := range row {
		row[i] = Inert(row[i])
	}
	return row
}

// Inert keeps spreadsheets from taking a cell for a formula: whoever writes
// events must not run anything on the machine of whoever opens them (OWASP, CSV
// injection). Such a cell gets an apostrophe in front, and so does one that begins with an
// apostrophe: Raw undoes it for every cell.
func Inert(cell string) string {
	if cell == "" || '0' <= cell[0] && cell[0] <= '9' || 'A' <= cell[0] && cell[0] <= 'z' || cell[0] == '{' {
		return cell
	}
	if strings.IndexAny(cell, "=+-@\t\r\n'") == 0 || strings.HasPrefix(cell, "＝") || strings.HasPrefix(cell, "＋") ||
		strings.HasPrefix(cell, "－") || strings.HasPrefix(cell, "＠") {
		return "'" + cell
	}
	return cell
}

// Raw returns the text that Inert made a cell of.
func Raw(cell string) string { return strings.TrimPrefix(cell, "'") }
