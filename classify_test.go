package retry_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry"
)

func TestClassifyStatusKnowsEachCode(t *testing.T) {
	transient := map[int]bool{408: true, 425: true, 429: true}
	for code := -600; code <= 1200; code++ {
		want := retry.Final
		if transient[code] || code >= 500 && code <= 599 {
			want = retry.Transient
		}
		assert.Equal(t, want, retry.ClassifyStatus(code), "%d", code)
		assert.Equal(t, want, retry.Classify(retry.Attempt{Response: &http.Response{StatusCode: code}}), "%d", code)
	}
}

// streamError has the shape and the As method of the stream error of net/http.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (e streamError) Error() string { return fmt.Sprint("stream error: code ", e.Code) }

func (e streamError) As(target any) bool {
	dst, src := reflect.ValueOf(target).Elem(), reflect.ValueOf(e)
	if !src.CanConvert(dst.Type()) {
		return false
	}
	dst.Set(src.Convert(dst.Type()))
	return true
}

// Errors that look like others.
type (
	tlsHandshakeTimeoutError struct{ error } // the name is net/http's
	otherGoneError           struct{ ErrCode uint32 }
	otherGoAwayError         struct{ ErrCode string }
	textGoAwayError          string
	number                   uint8 // like the alert of crypto/tls
	typedText                string
)

func (otherGoneError) Error() string   { return "" }
func (otherGoAwayError) Error() string { return "" }
func (textGoAwayError) Error() string  { return "" }
func (number) Error() string           { return "" }
func (s typedText) Error() string      { return string(s) }

// lookalikeRows are errors at the edge of what Classify knows, each beside one that it takes for something else.
var lookalikeRows = []errorRow{
	{"text of a proxy, of a type", typedText("Forbidden"), retry.Transient, overTLS},
	{"refused, joined with nothing", &joined{nil, errDialRefused, nil}, retry.Unprocessed, nil},
	{"timeout of a handshake that is not net/http's", tlsHandshakeTimeoutError{}, retry.Transient, nil},
	{"GOAWAY that is not HTTP/2's", otherGoneError{13}, retry.Transient, nil},
	{"GOAWAY with a code that is a text", otherGoAwayError{"13"}, retry.Transient, nil},
	{"number that is no alert", &net.OpError{Op: "read", Err: number(48)}, retry.Transient, nil},
	{"text of another step", &net.OpError{Op: "read", Err: errors.New("invalid username/password")}, retry.Transient, nil},
	{"text of a type", &net.OpError{Op: "socks connect", Err: typedText("invalid username/password")},
		retry.Unprocessed, nil},
	{"SOCKS password is empty", socks("invalid username/password"), retry.Final, nil},
	{"SOCKS wants another login", socks("no acceptable authentication methods"), retry.Final, nil},
	{"SOCKS forbids it", socks("unknown error connection not allowed by ruleset"), retry.Final, nil},
	{"SOCKS has no CONNECT", socks("unknown error command not supported"), retry.Final, nil},
	{"SOCKS has no such address", socks("unknown error address type not supported"), retry.Final, nil},
	{"request that a Gate did not let go", &retry.Error{Reason: retry.ErrDeadline}, retry.Final, nil},
	{"alert of a type of its own", &net.OpError{Op: "local error", Err: number(48)}, retry.Final, nil},
	{"host not found, as a step of TLS", &net.OpError{Op: "remote error", Err: errHostNotFound.Err}, retry.Final, nil},
	{"certificate beyond its issuer's names", x509.ConstraintViolationError{}, retry.Final, nil},
	{"certificate with an unknown extension", x509.UnhandledCriticalExtension{}, retry.Final, nil},
	{"certificate signed by SHA-1", x509.InsecureAlgorithmError(x509.SHA1WithRSA), retry.Final, nil},
}

func TestClassifyKnowsEachError(t *testing.T) {
	for _, row := range slices.Concat(errorRows, lookalikeRows) {
		o := place("PUT", "payload")
		if row.on != nil {
			row.on(o.Request)
		}
		o.Body.Close()
		a := retry.Attempt{Request: o.Request, Err: row.err}
		assert.Equal(t, row.want, retry.Classify(a), row.name)
		a.Err = fmt.Errorf("wrapped: %w", row.err)
		assert.Equal(t, min(row.want, retry.Transient), retry.Classify(a), "%s, wrapped", row.name)
		a.Err, a.Response = row.err, &http.Response{StatusCode: 200}
		assert.Equal(t, min(row.want, retry.Transient), retry.Classify(a), "%s, with a response", row.name)
	}
	inner := &retry.Error{Attempts: 2, Reason: retry.ErrMaxAttempts, Err: errHostNotFound}
	assert.Equal(t, retry.Final, retry.Classify(retry.Attempt{Err: inner}), "the reason of an Error is no cause")
	assert.Equal(t, retry.Final, retry.Classify(retry.Attempt{}), "neither a response nor an error")
	assert.Equal(t, retry.Transient, retry.Classify(retry.Attempt{Err: io.EOF}), "an attempt without a request")
}

func TestAClassHasAName(t *testing.T) {
	assert.Equal(t, "final transient unprocessed Class(7) Class(-1)",
		fmt.Sprint(retry.Final, " ", retry.Transient, " ", retry.Unprocessed, " ", retry.Class(7), " ", retry.Class(-1)))
}

// loop is an error without an end.
type loop struct{ wide bool }

func (loop) Error() string { return "loop" }

func (l loop) Unwrap() []error {
	if l.wide {
		return []error{l, l, l}
	}
	return []error{l}
}

// chain is an error that wraps itself.
type chain struct{}

func (chain) Error() string { return "chain" }
func (chain) Unwrap() error { return chain{} }

func TestAnErrorOfAnyShapeIsAskedInBoundedTime(t *testing.T) {
	for depth, want := range map[int]retry.Class{999: retry.Final, 1000: retry.Transient} {
		err := error(errHostNotFound.Err)
		for range depth {
			err = fmt.Errorf("wrapped: %w", err)
		}
		assert.Equal(t, want, retry.Classify(retry.Attempt{Err: err}), "the first thousand are asked")
	}
	deep, wide := error(errDialRefused), make([]error, 0, 1<<16)
	for range 1 << 16 {
		deep = errors.Join(deep)
		wide = append(wide, errDialRefused)
	}
	for name, err := range map[string]error{
		"loop": loop{}, "loop of three": loop{wide: true}, "chain": chain{}, "deep": deep, "wide": errors.Join(wide...),
		"nil pointer, joined": errors.Join((*net.DNSError)(nil), errHostNotFound), "nil Error": (*retry.Error)(nil),
		"nil url.Error": (*url.Error)(nil), "join of nil pointers": errors.Join((*net.OpError)(nil), (*retry.Error)(nil)),
	} {
		begin := time.Now()
		assert.Equal(t, retry.Transient, retry.Classify(retry.Attempt{Request: place("POST", "").Request, Err: err}), name)
		assert.Less(t, time.Since(begin), 5*time.Second, name)
		_, _ = retry.New(play(fail(err), answer(200)), every(0)).RoundTrip(place("POST", "").Request)
		_, _ = retry.Do(t.Context(), every(0), func(context.Context) (int, error) { return 0, err })
	}
	o := place("GET", "")
	o.URL = nil
	for _, odd := range []error{(*net.OpError)(nil), textGoAwayError("13"), otherGoAwayError{"13"}} {
		a := retry.Attempt{Request: o.Request, Err: errors.Join(odd, errors.New("http: nil Request.URL"))}
		assert.Equal(t, retry.Final, retry.Classify(a), "%T hides what is wrong with the request", odd)
	}
}

// What a token's request met is no reason to give up the one that needs it.
func TestASideRequestThatAGateDidNotLetGoIsTransient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := retry.New(play(answer(200)), retry.Policy{Gate: shut(t), MaxRetryAfter: time.Minute - 1})
		s := play(answer(200))
		needy := roundTripperFunc(func(req *http.Request) (*http.Response, error) {
			if resp, err := tokens.RoundTrip(putting(t, http.NoBody)); err != nil {
				return nil, err
			} else {
				drop(resp)
			}
			return s.RoundTrip(req)
		})
		mustEnd(t, retry.New(needy, every(time.Minute)), place("GET", ""))
		assert.Equal(t, []time.Duration{time.Minute}, s.times())
	})
}
