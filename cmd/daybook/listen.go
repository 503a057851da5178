package main

import (
	"context"
	"net"
	"slices"

	"go.uber.org/zap"

	"daybook/pkg/config"
	"daybook/pkg/httpserver"
)

// listeners are the addresses of a node; nil where it has none.
type listeners struct {
	api, admin net.Listener
	url        string // of the API
}

func listen(ctx context.Context, c config.Config, roles []string) (*listeners, error) {
	on := &listeners{}
	var err error
	if slices.Contains(roles, roleAPI) {
		if on.api, err = httpserver.Listen(ctx, "http.addr", c.HTTP.Addr); err != nil {
			return nil, err
		}
		on.url = c.HTTP.URL(on.api)
	}
	if c.Admin.Addr != "" {
		if on.admin, err = httpserver.Listen(ctx, "admin.addr", c.Admin.Addr); err != nil {
			on.close()
			return nil, err
		}
	}
	return on, nil
}

// close gives the addresses back. Those that were served are closed already.
func (on *listeners) close() {
	for _, l := range []net.Listener{on.api, on.admin} {
		if l != nil {
			_ = l.Close()
		}
	}
}

func (on *listeners) fields() []zap.Field {
	var fields []zap.Field
	if on.api != nil {
		fields = append(fields, zap.String("api", on.url))
	}
	if on.admin != nil {
		fields = append(fields, zap.String("admin", "http://"+on.admin.Addr().String()))
	}
	return fields
}
