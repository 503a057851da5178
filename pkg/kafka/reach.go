package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/segmentio/kafka-go"

	"daybook/pkg/clienttls"
)

// Explain returns why no broker can be used, with the setting to look at, where none
// can, else err, with which something has just failed: clients say it without the
// broker's name, or not at all.
func Explain(ctx context.Context, c Config, err error) error {
	if ctx.Err() != nil {
		return err
	}
	if why := reach(ctx, c); why != nil {
		return why
	}
	return err
}

// reachTime bounds the look at one broker.
const reachTime = 5 * time.Second

// reach connects to one broker after the other until one answers, and says what kept
// it from each where none does.
func reach(ctx context.Context, c Config) error {
	dialer, err := c.dialer()
	if err != nil {
		return err
	}
	var errs []error
	for _, broker := range c.Brokers {
		err := greet(ctx, dialer, broker)
		if err == nil {
			return nil
		}
		if hint := c.hint(err); hint != "" {
			err = fmt.Errorf("%w (%s)", err, hint)
		}
		errs = append(errs, fmt.Errorf("broker %s: %w", broker, err))
	}
	return errors.Join(errs...)
}

func greet(ctx context.Context, dialer *kafka.Dialer, broker string) error {
	ctx, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	conn, err := dialer.DialContext(ctx, "tcp", broker)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // It is not used any more.
	if err := conn.SetDeadline(time.Now().Add(reachTime)); err != nil {
		return err
	}
	_, err = conn.Brokers()
	return err
}

// hint says what to look at, for what keeps clients out; "" where the error says it.
func (c Config) hint(err error) string {
	if hint := clienttls.Hint("kafka.tls", err); hint != "" {
		return hint
	}
	switch {
	case errors.Is(err, kafka.SASLAuthenticationFailed):
		return "look at kafka.sasl.username, kafka.sasl.password and kafka.sasl.mechanism"
	case errors.Is(err, kafka.UnsupportedSASLMechanism), errors.Is(err, kafka.IllegalSASLState):
		return "the listener does not take what kafka.sasl.mechanism says"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the broker hung up, as a listener does that wants " + c.unasked()
	default:
		return ""
	}
}

// unasked names what a listener may want and does not get.
func (c Config) unasked() string {
	switch {
	case !c.TLS.Enabled && c.SASL.Mechanism == "":
		return "TLS (kafka.tls.enabled) or SASL (kafka.sasl.mechanism)"
	case !c.TLS.Enabled:
		return "TLS (kafka.tls.enabled)"
	case c.SASL.Mechanism == "":
		return "SASL (kafka.sasl.mechanism) or no TLS (kafka.tls.enabled)"
	default:
		return "something else than kafka.tls.enabled and kafka.sasl.mechanism say"
	}
}

// IsRetriable reports whether the same may succeed later, when nothing but time has
// passed: brokers are away, or are starting. A wrong password is no such thing.
func IsRetriable(err error) bool {
	if err == nil || clienttls.IsAlert(err) {
		return false
	}
	if refused, ok := errors.AsType[kafka.Error](err); ok { // It is a net.Error, whatever it says.
		return refused.Temporary() || refused.Timeout()
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	_, network := errors.AsType[net.Error](err)
	return network
}
