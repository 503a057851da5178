// Package openapi describes the HTTP API: as an OpenAPI 3.1 document for
// programs, and as a page for people, from the same file.
//
// It guarantees that the description is true: tests fail where a call of the
// server is not described, or needs another scope; where the document describes what there is
// not; and where a request or an answer of the server's tests breaks what it says
// (package openapitest).
package openapi
