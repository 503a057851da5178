// Package embedded runs the engines of an installation without set-up: a real
// ClickHouse as a supervised child process, and a persistent Kafka broker in
// this process.
//
// What it guarantees:
//
//   - A child never outlives this process by more than its shutdown: its
//     standard input is a pipe that this process holds open, so even kill -9
//     here is a clean shutdown there.
//   - A ClickHouse that dies is started again, in under two seconds the first
//     time, with a growing delay when it keeps dying.
//   - What the broker has acknowledged is on disk (see Broker).
//   - Two processes never share a data folder (see LockDir), and a child left
//     behind by a killed process is awaited before the next one starts.
//   - Everything fits a small machine: ClickHouse has a limit on its memory,
//     and its caches are part of it.
//
// Only cmd and tests import this package. Nothing else knows whether the
// engines are embedded: it gets addresses.
package embedded
