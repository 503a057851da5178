package rollup

import "daybook/query/filter"

// Knows reports whether rollups can tell which events the filter's conditions
// leave, its times aside.
func Knows(f *filter.Filter) bool { return f.Columns(columns...) }
