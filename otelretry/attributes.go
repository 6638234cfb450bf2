package otelretry

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/seed-e3550de8/retry"
)

const (
	classKey    = attribute.Key("retry.class")
	outcomeKey  = attribute.Key("retry.outcome")
	decisionKey = attribute.Key("retry.decision")
	reasonKey   = attribute.Key("retry.reason")
	sourceKey   = attribute.Key("retry.wait.source")

	other = "_OTHER"
)

// methodOf returns the method of req, if the conventions know it. Methods are case-sensitive (RFC 9110 section 9.1).
func methodOf(req *http.Request) string {
	switch req.Method {
	case "":
		return http.MethodGet
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace, "QUERY":
		return req.Method
	}
	return other
}

// serverOf returns the address and the port of a URL's server, with room for more.
func serverOf(u *url.URL) []attribute.KeyValue {
	attrs := make([]attribute.KeyValue, 0, 8)
	if !isText(u) || u.Host == "" {
		return append(attrs, semconv.ServerAddress(other))
	}
	// The host is a part of the URL's text, which must not stay in memory for it.
	attrs = append(attrs, semconv.ServerAddress(strings.Clone(strings.ToLower(u.Hostname()))))
	switch port, err := strconv.Atoi(u.Port()); {
	case err == nil:
		attrs = append(attrs, semconv.ServerPort(port))
	case u.Scheme == "https":
		attrs = append(attrs, semconv.ServerPort(443))
	case u.Scheme == "http":
		attrs = append(attrs, semconv.ServerPort(80))
	}
	return attrs
}

// isText reports whether u has a host that may be told. A redirect may name any bytes, by %ff, and an exporter refuses
// all that it has to send if one attribute of it is not UTF-8.
func isText(u *url.URL) bool { return u != nil && utf8.ValidString(u.Host) }

// outcomeOf returns the status, and the type of the error, which for a status of 400 and more is that.
func outcomeOf(resp *http.Response, err error) []attribute.KeyValue {
	attrs := make([]attribute.KeyValue, 0, 8)
	switch {
	case err != nil:
		return append(attrs, semconv.ErrorTypeKey.String(errorType(err)))
	case resp == nil:
		return attrs
	}
	attrs = append(attrs, semconv.HTTPResponseStatusCode(resp.StatusCode))
	if resp.StatusCode >= 400 {
		attrs = append(attrs, semconv.ErrorTypeKey.String(strconv.Itoa(resp.StatusCode)))
	}
	return attrs
}

// errorType returns one of a few names. It is tempting to use the type of the error, as otelhttp does, but that is
// *fmt.wrapError for half of them.
func errorType(err error) (name string) {
	name = other
	defer func() { _ = recover() }() // the error is anybody's, and its methods may panic
	var dns *net.DNSError
	var op *net.OpError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.As(err, &dns):
		return "name_resolution_error"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case isTLS(err):
		return "tls_error"
	case errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect" || op.Op == "socks connect"):
		return "connect_error"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.As(err, &op):
		return "connection_lost"
	}
	return other
}

func isTLS(err error) bool {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var op *net.OpError
	return errors.As(err, &certificate) || errors.As(err, &record) ||
		errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error") // an alert of either side
}

// reasonOf returns the short name of a Decision's Reason.
func reasonOf(reason error) (name string) {
	name = other
	defer func() { _ = recover() }() // it may have the cause of a context in it, which is anybody's
	for _, known := range reasons {
		if errors.Is(reason, known.err) {
			return known.name
		}
	}
	return other
}

var reasons = []struct {
	err  error
	name string
}{
	{retry.ErrMaxAttempts, "max_attempts"},
	{retry.ErrBudget, "budget"},
	{retry.ErrNotIdempotent, "not_idempotent"},
	{retry.ErrNotReplayable, "not_replayable"},
	{retry.ErrRetryAfter, "retry_after"},
	{retry.ErrDeadline, "deadline"},
	{context.Canceled, "canceled"},
	{context.DeadlineExceeded, "deadline_exceeded"},
}

// sourceOf returns where the wait of a retry comes from.
func sourceOf(d retry.Decision) string {
	if d.FromServer {
		return "server"
	}
	return "backoff"
}
