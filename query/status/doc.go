// Package status tells operators whether ingest keeps up, what was lost, and
// how far back events reach. The admin of one tenant learns how far ingest is
// behind and where the tenant's own events begin; partitions and gaps, which are
// those of all tenants, are for keys of every tenant.
package status
