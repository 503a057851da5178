package embedded

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Before the first query a native client introduces itself. The embedded
// ClickHouse aborts when it refuses that (a wrong password, or bytes that are no
// introduction at all), so it only gets to see what it will accept.

const (
	helloPacket     = 0 // of the client
	exceptionPacket = 2 // of the server
	longestField    = 1 << 10

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
	out = binary.LittleEndian.AppendUint32(out, uint32(r.code)) //nolint:gosec // Bit for bit.
	for _, text := range []string{"DB::Exception", "DB::Exception: " + r.message, ""} {
		out = binary.AppendUvarint(out, uint64(len(text)))
		out = append(out, text...)
	}
	return append(out, 0) // No nested exception.
}

// readHello reads a client's introduction and returns it as it came, or a
// refusal of what ClickHouse would refuse.
func readHello(in io.Reader) ([]byte, error) {
	var seen bytes.Buffer
	r := bufio.NewReader(io.TeeReader(in, &seen))
	kind, err := r.ReadByte()
	if err != nil {
		return nil, err
	}
	if kind != helloPacket {
		return nil, refusal{codeUnexpectedPacket, "this is the port of ClickHouse's native protocol, as clickhouse-client speaks it, without TLS"}
	}
	fields := make([]string, 0, 4) // client, database, user, password
	for _, isText := range []bool{true, false, false, false, true, true, true} {
		n, err := binary.ReadUvarint(r)
		if err != nil {
			return nil, err
		}
		if !isText {
			continue // Of the client's version.
		}
		if n > longestField {
			return nil, refusal{codeUnexpectedPacket, fmt.Sprintf("a name of %d bytes in the client's introduction", n)}
		}
		text := make([]byte, n)
		if _, err := io.ReadFull(r, text); err != nil {
			return nil, err
		}
		fields = append(fields, string(text))
	}
	if user := fields[2]; user != "" && user != "default" || fields[3] != "" {
		return nil, refusal{codeAuthentication, "the embedded ClickHouse has one user, default, without a password"}
	}
	return seen.Bytes(), nil
}

// receiveHello returns a client's introduction; a refusal is answered here.
func receiveHello(client net.Conn) ([]byte, error) {
	if err := client.SetDeadline(time.Now().Add(helloPatience)); err != nil {
		return nil, err
	}
	hello, err := readHello(client)
	if refused, ok := errors.AsType[refusal](err); ok {
		_, _ = client.Write(refused.packet()) // It may have hung up.
	}
	return hello, errors.Join(err, client.SetDeadline(time.Time{}))
}
