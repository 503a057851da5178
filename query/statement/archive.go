package statement

import (
	"maps"
	"strings"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"

	"daybook/pkg/apierror"
	"daybook/pkg/archive"
	"daybook/pkg/clickhouse"
	"daybook/query/filter"
)

// leastStorageTimeout is how long storage has to answer, however short a query may be.
const leastStorageTimeout = time.Second

// archiveSettings adds what reads of the archive need: those of every use of it; an
// answer of storage in a part of the query's time, so that what doesn't answer is told from
// what takes long; and sorting on disk, as files are not read in the order of time.
func (r *Reader) archiveSettings(settings chgo.Settings) {
	maps.Copy(settings, archive.Settings())
	settings["s3_request_timeout_ms"] = max(r.config.MaxDuration/4, leastStorageTimeout).Milliseconds()
	settings["max_bytes_before_external_sort"] = int64(r.config.MaxMemory) / 4
}

// Codes of ClickHouse's exceptions that files of the archive cause.
const (
	codeS3           = 499
	codeNoCollection = 669
)

// archiveProblem returns what the caller is told where the archive, and not the event
// store, is at fault; nil: it is not.
func archiveProblem(b *filter.Builder, err error) *apierror.Error {
	reads, lost, _ := b.Archive()
	if _, isLimit := clickhouse.IsLimit(err); !reads || isLimit {
		return nil
	}
	// Only an answer of the server has a code.
	code, text := clickhouse.Code(err), err.Error()
	if code == 0 || clickhouse.IsRetriable(err) && !strings.Contains(text, "S3") && !strings.Contains(text, "Parquet") {
		return nil
	}
	problem := &apierror.Error{Kind: apierror.KindArchive, Cause: err}
	const without = "; without include=archive, or with a later from, the call does without it"
	switch {
	case code == codeNoCollection:
		lost()
		problem.Kind, problem.RetryAfter = apierror.KindUnavailable, time.Second
		problem.Detail = "the event store had lost the address of the archive; try again"
	case code == codeS3 && strings.Contains(text, "response code: 404"):
		problem.Detail = "a file of the archive is missing from its bucket, or the archive's bucket or access key is not known there: " + file(text) + " (daybook archive verify says more)" + without
	case code == codeS3 && (strings.Contains(text, "response code: 403") || strings.Contains(text, "response code: 401")):
		problem.Detail = "the storage of the archive refuses the credentials that are set (archive.access_key, archive.secret_key)" + without
	case code == codeS3 || clickhouse.IsRetriable(err):
		problem.Kind, problem.RetryAfter = apierror.KindUnavailable, 5*time.Second
		problem.Detail = "the storage of the archive does not answer now; try again shortly" + without
	default:
		problem.Detail = "a file of the archive can't be read: somebody may have altered it (daybook archive verify says more)" + without
	}
	return problem
}

// file returns the name of the object that an error is about: tenant and day, and no
// address.
func file(text string) string {
	_, rest, found := strings.Cut(text, "while reading '")
	name, _, closed := strings.Cut(rest, "'")
	if !found || !closed {
		return "which one is in the log"
	}
	return name
}
