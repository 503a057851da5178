package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"go.uber.org/zap"

	"daybook/pkg/auth"
	"daybook/pkg/clickhouse"
	"daybook/pkg/config"
)

// explain adds what it usually means that nobody listens: the embedded
// engines only run while serve does.
func explain(c config.Config, err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) && (c.EmbeddedClickHouse() || c.EmbeddedKafka()) {
		return fmt.Errorf("%w (the embedded engines only run while daybook serve does)", err)
	}
	return err
}

// keyStore opens the store of keys for a command. The caller closes the
// connection.
func keyStore(ctx context.Context, c config.Config) (*auth.Store, driver.Conn, error) {
	conn, err := clickhouse.Open(ctx, c.Resolved().ClickHouse, clickhouse.WithMaxOpenConns(1))
	if err != nil {
		return nil, nil, explain(c, err)
	}
	return auth.NewStore(c.Auth, conn, zap.NewNop()), conn, nil
}
