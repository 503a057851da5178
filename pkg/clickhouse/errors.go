package clickhouse

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"

	"github.com/ClickHouse/clickhouse-go/v2"

	"daybook/pkg/clienttls"
)

// Codes of ClickHouse's exceptions that Daybook tells apart (system.errors has
// their names).
const (
	codeCannotParseText      = 6
	codeCannotParseInput     = 27
	codeCannotReadAllData    = 33
	codeSyntaxError          = 62
	codeUnknownDatabase      = 81
	codeIncorrectData        = 117
	codeStringTooLong        = 131
	codeTooManyRows          = 158
	codeTimeout              = 159
	codeTooSlow              = 160
	codeReadonly             = 164
	codeNoFreeConnection     = 203
	codeSetTooLarge          = 191
	codeUnknownUser          = 192
	codeWrongPassword        = 193
	codeRequiredPassword     = 194
	codeTooManyQueries       = 202
	codeSocketTimeout        = 209
	codeNetwork              = 210
	codeMemoryLimit          = 241
	codeTableIsReadOnly      = 242
	codeTooManyParts         = 252
	codeAllConnectionsFailed = 279
	codeTooFewReplicas       = 285
	codeTooManyBytes         = 307
	codeUnknownInsert        = 319
	codeCancelled            = 394
	codeTooManyRowsOrBytes   = 396
	codeSystem               = 425
	codeAccessDenied         = 497
	codeViolatedConstraint   = 469
	codeAuthentication       = 516
	codeKeeper               = 999
	codePoco                 = 1000
)

// Code returns the code of ClickHouse's exception in an error; 0 when there is
// none, as for a cut connection.
func Code(err error) int {
	if e, ok := errors.AsType[*clickhouse.Exception](err); ok {
		return int(e.Code)
	}
	return 0
}

// IsUnknownOutcome reports whether the rows of a failed insert, or some of them,
// may be in the table, or may yet arrive there. That is so for every error but
// those that say that the insert was never begun: a materialized view can fail
// after the rows are in the table that was inserted into. Wait, then verify.
func IsUnknownOutcome(err error) bool {
	return err != nil && !neverConnected(err) && !slices.Contains(notBegun, Code(err))
}

// notBegun are refusals to begin.
var notBegun = []int{
	codeSyntaxError, codeUnknownDatabase, codeReadonly, codeTooManyQueries,
	codeUnknownUser, codeWrongPassword, codeRequiredPassword, codeAccessDenied, codeAuthentication,
}

// neverConnected says that a query can't have reached a server: nobody was
// there, or it went away while the connection was made.
func neverConnected(err error) bool {
	if errors.Is(err, clickhouse.ErrAcquireConnTimeout) || errors.Is(err, clickhouse.ErrAcquireConnNoAddress) {
		return true
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return true
	}
	return err != nil && strings.Contains(err.Error(), "handshake: ") // clickhouse-go has no value for it.
}

// IsRetriable reports whether the same statement may succeed later, when
// nothing but time has passed: the server is away, overloaded or short of
// something. For an insert, see IsUnknownOutcome as well.
func IsRetriable(err error) bool {
	return err != nil && !clienttls.IsAlert(err) && (isConnection(err) || slices.Contains(passing, Code(err)))
}

var passing = []int{
	codeTimeout, codeTooManyQueries, codeNoFreeConnection, codeSocketTimeout, codeNetwork, codeMemoryLimit,
	codeTableIsReadOnly, codeTooManyParts, codeAllConnectionsFailed, codeTooFewReplicas, codeUnknownInsert,
	codeCancelled, codeSystem, codeKeeper, codePoco,
}

// isConnection says that the way to the server failed, or nobody was there.
func isConnection(err error) bool {
	if neverConnected(err) {
		return true
	}
	for _, known := range []error{
		io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, clickhouse.ErrConnectionClosed, context.DeadlineExceeded,
		syscall.ECONNRESET, syscall.ECONNREFUSED, syscall.EPIPE, syscall.ETIMEDOUT,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	// clickhouse-go has no value for this one.
	return strings.Contains(err.Error(), "on closed connection")
}

// IsData reports whether the server refused what is in the rows: the same rows
// fail again, until they change. A table without the column, or none at all, is
// not the rows' fault.
func IsData(err error) bool { return slices.Contains(dataCodes, Code(err)) }

var dataCodes = []int{
	codeCannotParseText, codeCannotParseInput, codeCannotReadAllData, codeIncorrectData, codeStringTooLong, codeViolatedConstraint,
}

// IsLimit reports whether a query ran into a limit, and names the setting that
// raises it.
func IsLimit(err error) (setting string, ok bool) {
	if err != nil && errors.Is(err, context.DeadlineExceeded) {
		return "query.max_duration", true
	}
	switch Code(err) {
	case codeTimeout, codeTooSlow:
		return "query.max_duration", true
	case codeTooManyRows, codeTooManyBytes:
		return "query.max_rows_read", true
	case codeTooManyRowsOrBytes:
		return "query.max_limit", true
	case codeSetTooLarge:
		return "query.max_memory", true
	case codeMemoryLimit:
		// The server's own limit counts everything that runs, and passes.
		if strings.Contains(err.Error(), "(total)") {
			return "", false
		}
		return "query.max_memory", true
	}
	return "", false
}
