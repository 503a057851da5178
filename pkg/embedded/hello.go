package embedded

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Before the first query a native client introduces itself. The embedded
// ClickHouse aborts when it refuses that (a database that doesn't exist, a wrong
// password, bytes that are no introduction at all), so it only gets to see what
// it will accept.

const (
	helloPacket     = 0 // of the client
	exceptionPacket = 2 // of the server
	longestField    = 1 << 10

	codeUnknownDatabase  = 81
	codeUnexpectedPacket = 99
	codeAuthentication   = 516
)

// refusal is the exception that a client gets instead of ClickHouse's answer.
type refusal struct {
	code    int32
	message string
}

func (r refusal) Error() string { return r.message }

// packet is the refusal as ClickHouse's native protocol has it.
func (r refusal) packet() []byte {
	out := []byte{exceptionPacket}
	out = binary.LittleEndian.AppendUint32(out, uint32(r.code)) // Bit for bit.
	for _, text := range []string{"DB::Exception", "DB::Exception: " + r.message, ""} {
		out = binary.AppendUvarint(out, uint64(len(text)))
		out = append(out, text...)
	}
	return append(out, 0) // No nested exception.
}

// hello is a client's introduction.
type hello struct {
	bytes    []byte // as it came
	database string // to start in; empty: default
}

// readHello reads a client's introduction, or returns a refusal of it. Accounts are
// the passwords by the users' names.
func readHello(in io.Reader, accounts map[string]string) (hello, error) {
	var seen bytes.Buffer
	r := bufio.NewReader(io.TeeReader(in, &seen))
	kind, err := r.ReadByte()
	if err != nil {
		return hello{}, err
	}
	if kind != helloPacket {
		return hello{}, refusal{codeUnexpectedPacket, "this is the port of ClickHouse's native protocol, as clickhouse-client speaks it, without TLS"}
	}
	fields := make([]string, 0, 4) // client, database, user, password
	for _, isText := range []bool{true, false, false, false, true, true, true} {
		n, err := binary.ReadUvarint(r)
		if err != nil {
			return hello{}, err
		}
		if !isText {
			continue // Of the client's version.
		}
		if n > longestField {
			return hello{}, refusal{codeUnexpectedPacket, fmt.Sprintf("a name of %d bytes in the client's introduction", n)}
		}
		text := make([]byte, n)
		if _, err := io.ReadFull(r, text); err != nil {
			return hello{}, err
		}
		fields = append(fields, string(text))
	}
	password, known := accounts[cmp.Or(fields[2], defaultUser)]
	switch {
	case known && subtle.ConstantTimeCompare([]byte(fields[3]), []byte(password)) == 1:
	case len(accounts) == 1:
		return hello{}, refusal{codeAuthentication, "the embedded ClickHouse has one user, default, without a password"}
	default:
		return hello{}, refusal{codeAuthentication, "there is no such user, or the password is another"}
	}
	return hello{bytes: seen.Bytes(), database: fields[1]}, nil
}

// introduce brings a client and ClickHouse together, up to ClickHouse's answer.
// What it refuses, it refuses to the client.
func (g *gate) introduce(client net.Conn) (*net.TCPConn, error) {
	if err := client.SetReadDeadline(time.Now().Add(helloPatience)); err != nil {
		return nil, err
	}
	said, err := readHello(client, g.accounts)
	if err != nil {
		return nil, refuse(client, err)
	}
	if err := client.SetReadDeadline(time.Time{}); err != nil {
		return nil, err
	}
	server, err := g.dial()
	if err != nil {
		return nil, err
	}
	if err := g.exists(said.database); err != nil {
		return nil, errors.Join(refuse(client, err), server.Close())
	}
	if _, err := server.Write(said.bytes); err != nil {
		return nil, errors.Join(err, server.Close())
	}
	return server, nil
}

// exists returns a refusal where there is no such database.
func (g *gate) exists(database string) error {
	if database == "" || database == "default" {
		return nil
	}
	ctx, cancel := context.WithTimeout(g.ctx, gatePatience)
	defer cancel()
	backend := g.backend.Load()
	if backend == nil {
		return errors.New("ClickHouse is starting")
	}
	var found bool
	err := backend.probe.QueryRow(ctx, "SELECT count() > 0 FROM system.databases WHERE name = ?", database).Scan(&found)
	if err == nil && !found {
		return refusal{codeUnknownDatabase, "Database " + database + " does not exist"}
	}
	return err
}

// refuse tells the client, if it is a refusal, and returns the error.
func refuse(client net.Conn, err error) error {
	if refused, ok := errors.AsType[refusal](err); ok {
		_ = client.SetWriteDeadline(time.Now().Add(helloPatience))
		_, _ = client.Write(refused.packet()) // It may have hung up.
	}
	return err
}
