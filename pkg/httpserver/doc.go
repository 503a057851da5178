// Package httpserver serves the HTTP API and the admin address. It guarantees
// that no handler runs without a verified key of the right scope and tenant,
// that every fault is answered as an RFC 9457 problem with a request id, that
// an answer cut short by a fault never looks complete, and that neither
// secrets nor queries nor payloads reach the log.
package httpserver
