package otelretry

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-e3550de8/retry"
)

// attempts is the base of the Transport: otelhttp's around the user's.
type attempts struct {
	traced http.RoundTripper
	base   http.RoundTripper // within traced
}

// RoundTrip sees to it that the request that otelhttp makes has the caller's own Trailer, in which he may set values
// while the body is read. otelhttp's Clone has a copy.
func (t attempts) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Trailer != nil {
		req = req.WithContext(context.WithValue(req.Context(), trailerKey{}, req.Trailer))
	}
	return t.traced.RoundTrip(req)
}

func (t attempts) CloseIdleConnections() {
	if base, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

func (t attempts) WrappedRoundTripper() http.RoundTripper { return t.base }

type trailerKey struct{}

// numbered stands within otelhttp's span and tells it the number of the attempt.
type numbered struct{ base http.RoundTripper }

func (t numbered) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if n := resent(req); n > 0 {
		trace.SpanFromContext(ctx).SetAttributes(semconv.HTTPRequestResendCount(n))
	}
	if trailer, ok := ctx.Value(trailerKey{}).(http.Header); ok && req.Trailer != nil {
		req = req.WithContext(ctx)
		req.Trailer = trailer
	}
	return t.base.RoundTrip(req)
}

// resent is how many requests were sent before req: its own earlier attempts, and those of the requests that were
// redirected to it.
func resent(req *http.Request) int {
	n := retry.AttemptNumber(req.Context()) - 1
	for range maxRedirects {
		if req.Response == nil || req.Response.Request == nil {
			break
		}
		req = req.Response.Request
		n += retry.AttemptNumber(req.Context())
	}
	return n
}

// maxRedirects bounds a chain of responses that somebody closed to a ring.
const maxRedirects = 100

// calls makes a span around each call.
type calls struct {
	transport *retry.Transport
	tracer    trace.Tracer
}

var _ http.RoundTripper = calls{}

func (t calls) CloseIdleConnections() { t.transport.CloseIdleConnections() }

func (t calls) WrappedRoundTripper() http.RoundTripper { return t.transport }

func (t calls) RoundTrip(req *http.Request) (*http.Response, error) {
	method := methodOf(req)
	ctx, span := t.tracer.Start(req.Context(), "call "+method, trace.WithSpanKind(trace.SpanKindInternal),
		trace.WithAttributes(append(serverOf(req.URL), semconv.HTTPRequestMethodKey.String(method))...))
	defer span.End() // also if a function of the policy panics
	resp, err := t.transport.RoundTrip(req.WithContext(ctx))
	switch {
	case err != nil:
		span.SetAttributes(semconv.ErrorTypeKey.String(errorType(err)))
		span.SetStatus(codes.Error, "")
	case resp.StatusCode >= 400:
		span.SetAttributes(outcomeOf(resp, nil)...)
		span.SetStatus(codes.Error, "")
	default:
		span.SetAttributes(outcomeOf(resp, nil)...)
	}
	return resp, err
}

// annotate tells the call's span, which is that of the request's context, what became of a.
func annotate(a retry.Attempt, d retry.Decision) {
	span := trace.SpanFromContext(a.Request.Context())
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(attribute.Int("retry.attempts", a.Number))
	if d.Reason != nil {
		span.SetAttributes(reasonKey.String(reasonOf(d.Reason)))
	}
	if d.Retry {
		span.AddEvent("retry", trace.WithAttributes(append(outcomeOf(a.Response, a.Err),
			attribute.Int("retry.attempt", a.Number),
			classKey.String(d.Class.String()),
			attribute.Float64("retry.wait.duration", d.Delay.Seconds()),
			sourceKey.String(sourceOf(d)))...))
	}
}
