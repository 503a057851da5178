// Command enginechild is `daybook engine` alone, for the tests of packages that
// need a ClickHouse (see pkg/clickhouse/clickhousetest).
package main

import (
	"os"

	"daybook/pkg/embedded"
)

func main() { os.Exit(embedded.RunEngine(os.Args[2:])) } // Args[1] is the command's name, "engine".
