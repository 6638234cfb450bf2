package retrytest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"syscall"
)

var replayChecks = []check{
	{
		name: "IdempotentReplayed",
		promise: "a request with an idempotent method (GET, HEAD, OPTIONS, TRACE, PUT, DELETE, and the empty method, " +
			"which is GET) is retried after a failure status.",
		why: "RFC 9110 section 9.2.2: these may be repeated, whatever became of the first one. That is what the " +
			"wrapper is there for.",
		run: idempotentReplayed,
	},
	{
		name: "PostNotSentTwice",
		promise: "a request whose method is not idempotent is sent once, unless the server certainly did not act on " +
			"it.",
		why: "RFC 9110 section 9.2.2: \"A client SHOULD NOT automatically retry a request with a non-idempotent " +
			"method\" otherwise. A second order or payment costs more than an error. A 503 or a lost connection does " +
			"not say that nothing was done.",
		needs: []need{idempotency},
		run:   postNotSentTwice,
	},
	{
		name:    "PostWithKeyReplayed",
		promise: "a POST with an Idempotency-Key is retried like an idempotent request, with the same key.",
		why: "the key says that the server recognizes the repetition; net/http reads it so too (http.Transport). " +
			"Another key in the retry would make another order of it.",
		needs: []need{idempotency, idempotencyKey},
		run:   postWithKeyReplayed,
	},
	{
		name:    "UnprocessedReplayed",
		promise: "a POST is retried after a dial error or REFUSED_STREAM.",
		why: "a connection that was not made carried no request, and RFC 9113 section 8.7 says of REFUSED_STREAM " +
			"that the stream was closed before any processing. Such a retry is safe for any method.",
		needs: []need{errorRetries, unprocessed},
		run:   unprocessedReplayed,
	},
	{
		name:    "TransientStatusRetried",
		promise: "408, 429, 500, 502, 503 and 504, but for those that are not claimed, are retried.",
		why:     "they speak of a state of the server that may pass (RFC 9110 section 15.6, RFC 6585 section 4).",
		run:     transientStatusRetried,
	},
	{
		name: "FinalStatusNotRetried",
		promise: "a response that is no failure, or one that another attempt would get again, is returned after one " +
			"attempt, also if it has a Retry-After.",
		why: "RFC 9110 section 10.2.3: with a 3xx, Retry-After is about the redirected request; with a 202 it " +
			"tells when to ask for the result. Repeating the request does the work twice.",
		run: finalStatusNotRetried,
	},
	{
		name: "TransientErrorRetried",
		promise: "a GET is retried after a connection that was refused, reset, or closed before or inside the " +
			"response header.",
		why:   "that is how restarts, deployments and load balancers look to a client.",
		needs: []need{errorRetries},
		run:   transientErrorRetried,
	},
	{
		name:    "CertificateErrorFinal",
		promise: "a certificate that does not verify ends the call after one attempt.",
		why: "the next one meets the same certificate. Waiting hides a mistake in the configuration, or an " +
			"attack, behind a slow answer.",
		run: certificateErrorFinal,
	},
}

func idempotentReplayed(p *probe) {
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", ""} {
		b := &base{outcomes: []outcome{p.failing(), status(200)}}
		got, err := p.send(b, p.request(method))
		if b.attempts() != 2 || got.code != 200 || err != nil {
			p.broken("The method %q had %d attempts, and status %d with error %v, after one %d.",
				method, b.attempts(), got.code, err, p.claims.failureStatus())
		}
	}
}

func postNotSentTwice(p *probe) {
	for _, method := range []string{"POST", "PATCH", "LOCK"} {
		for _, a := range []outcome{p.failing(), p.failing("Retry-After", "1"), failure(errPassing), failure(io.EOF)} {
			b := &base{outcomes: []outcome{a}}
			req, _ := p.upload(method, "the body")
			_, _ = p.send(b, req)
			if n := b.attempts(); n != 1 {
				p.broken("A %s was sent %d times after %s.", method, n, a)
			}
		}
	}
}

// String is for messages.
func (a outcome) String() string {
	if a.err != nil {
		return fmt.Sprintf("the error %q", a.err)
	}
	return fmt.Sprintf("the status %d with header fields %q", a.code, a.header)
}

func postWithKeyReplayed(p *probe) {
	b := &base{outcomes: []outcome{p.failing(), status(200)}}
	req, _ := p.upload(http.MethodPost, "the body")
	req.Header.Set("Idempotency-Key", `"8e03978e-40d5-43dd-bc93-6894a57f9324"`)
	_, err := p.send(b, req)
	sent := b.sendings()
	if len(sent) != 2 || err != nil {
		p.broken("A POST with a key had %d attempts and the error %v after one %d.",
			len(sent), err, p.claims.failureStatus())
	}
	first, second := sent[0].header.Get("Idempotency-Key"), sent[1].header.Get("Idempotency-Key")
	if first != second || first != req.Header.Get("Idempotency-Key") {
		p.broken("The attempts had the keys %s and %s.", first, second)
	}
}

// http2StreamError has the name, the shape, the text and the As of the type of net/http, which no one can name.
type http2StreamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (e http2StreamError) Error() string { return "stream error: stream ID 1; REFUSED_STREAM" }

// As fills a target of the same shape, like that of net/http.
func (e http2StreamError) As(target any) bool {
	dst, src := reflect.ValueOf(target).Elem(), reflect.ValueOf(e)
	if dst.Kind() != reflect.Struct || dst.NumField() != src.NumField() {
		return false
	}
	for i := range src.NumField() {
		have, want := src.Type().Field(i), dst.Type().Field(i)
		if have.Name != want.Name || !have.Type.ConvertibleTo(want.Type) {
			return false
		}
	}
	for i := range src.NumField() {
		dst.Field(i).Set(src.Field(i).Convert(dst.Field(i).Type()))
	}
	return true
}

var errRefused error = &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}

func unprocessedReplayed(p *probe) {
	for _, proof := range []error{errRefused, http2StreamError{StreamID: 1, Code: 7}} {
		b := &base{outcomes: []outcome{failure(proof), status(200)}}
		// A body that reads from memory: the error of any other could be the body's own.
		req := p.request(http.MethodPost)
		req.ContentLength = int64(len("the body"))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("the body")), nil }
		req.Body, _ = req.GetBody()
		got, err := p.send(b, req)
		if b.attempts() != 2 || got.code != 200 || err != nil {
			p.broken("After the error %q a POST had %d attempts in all, and ended with status %d and error %v.",
				proof, b.attempts(), got.code, err)
		}
	}
}

func transientStatusRetried(p *probe) {
	for _, code := range []int{408, 429, 500, 502, 503, 504} {
		if slices.Contains(p.claims.NotRetried, code) {
			continue
		}
		b := &base{outcomes: []outcome{status(code), status(200)}}
		got, err := p.send(b, p.request(http.MethodGet))
		if b.attempts() != 2 || got.code != 200 || err != nil {
			p.broken("After a %d, a GET had %d attempts in all, and ended with status %d and error %v.",
				code, b.attempts(), got.code, err)
		}
	}
}

func finalStatusNotRetried(p *probe) {
	for _, code := range []int{
		200, 201, 202, 204, 206, 301, 303, 304, 307, 400, 401, 403, 404, 405, 406, 410, 412, 415, 422,
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			a := status(code)
			if code < 400 {
				a = status(code, "Retry-After", "1")
			}
			b := &base{outcomes: []outcome{a}}
			got, err := p.send(b, p.request(method))
			if b.attempts() != 1 || got.code != code || err != nil {
				p.broken("After %s, a %s had %d attempts, and ended with status %d and error %v.",
					a, method, b.attempts(), got.code, err)
			}
		}
	}
}

func transientErrorRetried(p *probe) {
	cut := fmt.Errorf("net/http: HTTP/1.x transport connection broken: %w", io.ErrUnexpectedEOF)
	for _, passing := range []error{errRefused, errPassing, io.EOF, cut} {
		b := &base{outcomes: []outcome{failure(passing), status(200)}}
		got, err := p.send(b, p.request(http.MethodGet))
		if b.attempts() != 2 || got.code != 200 || err != nil {
			p.broken("After the error %q a GET had %d attempts in all, and ended with status %d and error %v.",
				passing, b.attempts(), got.code, err)
		}
	}
}

func certificateErrorFinal(p *probe) {
	unknown := &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}
	b := &base{outcomes: []outcome{failure(unknown)}}
	_, err := p.send(b, p.request(http.MethodGet))
	if b.attempts() != 1 || !errors.Is(err, unknown) {
		p.broken("There were %d attempts, and in the end the error %v.", b.attempts(), err)
	}
}
