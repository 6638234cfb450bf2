package retrytest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// A broken wrapper is the reference with one fault, each of which is in some library.
type broken struct {
	fault  string
	change func(*reference) http.RoundTripper
	caught []string // the subtests that fail, all of them
}

// changed is a wrapper that differs from the reference in its parts alone.
func changed(change func(*reference)) func(*reference) http.RoundTripper {
	return func(r *reference) http.RoundTripper {
		change(r)
		return r
	}
}

// around is a wrapper whose calls go through f.
func around(f func(r *reference, req *http.Request) (*http.Response, error)) func(*reference) http.RoundTripper {
	return func(r *reference) http.RoundTripper {
		return forwarding{r, func(req *http.Request) (*http.Response, error) { return f(r, req) }}
	}
}

// beneath is the reference over a base whose calls go through f.
func beneath(f func(base http.RoundTripper, req *http.Request) (*http.Response, error)) func(*reference) http.RoundTripper {
	return changed(func(r *reference) {
		base := r.base
		r.base = forwarding{base, func(req *http.Request) (*http.Response, error) { return f(base, req) }}
	})
}

type forwarding struct {
	http.RoundTripper
	roundTrip func(*http.Request) (*http.Response, error)
}

func (f forwarding) RoundTrip(req *http.Request) (*http.Response, error) { return f.roundTrip(req) }

func (f forwarding) CloseIdleConnections() {
	if c, ok := f.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

var brokenWrappers = []broken{
	{
		fault: "sleeps past the deadline",
		change: changed(func(r *reference) {
			r.tooLate = func(context.Context, time.Duration) bool { return false }
		}),
		caught: []string{"DeadlineNotSleptPast"},
	},
	{
		fault: "drains without a bound in time",
		change: changed(func(r *reference) {
			r.discard = func(resp *http.Response, _ time.Duration) {
				defer resp.Body.Close()
				_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
			}
		}),
		caught: []string{"DiscardBoundedInTime"},
	},
	{
		fault: "drains without a bound in bytes",
		change: changed(func(r *reference) {
			r.discard = func(resp *http.Response, limit time.Duration) {
				defer time.AfterFunc(limit, func() { resp.Body.Close() }).Stop()
				defer resp.Body.Close()
				_, _ = io.Copy(io.Discard, resp.Body)
			}
		}),
		caught: []string{"DiscardBoundedInBytes"},
	},
	{
		fault: "never closes a discarded response",
		change: changed(func(r *reference) {
			r.discard = func(*http.Response, time.Duration) {}
		}),
		caught: []string{"DiscardedResponsesClosed", "DiscardedBeforeWait", "ConnectionReuse"},
	},
	{
		fault: "closes a discarded response without reading it",
		change: changed(func(r *reference) {
			r.discard = func(resp *http.Response, _ time.Duration) { resp.Body.Close() }
		}),
		caught: []string{"ConnectionReuse"},
	},
	{
		fault: "sends the consumed body again",
		change: changed(func(r *reference) {
			r.rewind = func(req *http.Request) (*http.Request, error) { return req, nil }
		}),
		caught: []string{
			"FreshBodyPerAttempt", "EarlyReplyUpload", "EarlyReplyUploadHTTP1", "EarlyReplyUploadHTTP2",
			"ReplayOnFreshConnection", "ReplayOverHTTP2", "ExpectContinue", "RedirectsWithBody", "ConcurrentUse",
		},
	},
	{
		fault: "rewinds the caller's body",
		change: around(func(r *reference, req *http.Request) (*http.Response, error) {
			seeker, ok := req.Body.(io.Seeker)
			if !ok {
				return r.RoundTrip(req)
			}
			defer req.Body.Close()
			copied := *req
			copied.Body = io.NopCloser(req.Body)
			copied.GetBody = func() (io.ReadCloser, error) {
				_, err := seeker.Seek(0, io.SeekStart)
				return io.NopCloser(req.Body), err
			}
			return r.RoundTrip(&copied)
		}),
		caught: []string{
			"FreshBodyPerAttempt", "EarlyReplyUpload", "EarlyReplyUploadHTTP1", "EarlyReplyUploadHTTP2", "ExpectContinue",
		},
	},
	{
		fault: "reads the whole body first, and rewinds that one reader",
		change: around(func(r *reference, req *http.Request) (*http.Response, error) {
			return r.RoundTrip(sharedReader(req))
		}),
		caught: []string{"BodyNotBuffered", "FreshBodyPerAttempt", "EarlyReplyUpload", "ExpectContinue"},
	},
	{
		fault: "reads the whole body first, and does not close it",
		change: around(func(r *reference, req *http.Request) (*http.Response, error) {
			if !hasBody(req) {
				return r.RoundTrip(req)
			}
			content, err := io.ReadAll(req.Body)
			if err != nil {
				return nil, err
			}
			copied := *req
			copied.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
			copied.Body, _ = copied.GetBody()
			return r.RoundTrip(&copied)
		}),
		caught: []string{"BodyClosed", "BodyNotBuffered", "ExpectContinue"},
	},
	{
		fault: "retries a body without GetBody",
		change: changed(func(r *reference) {
			r.mayRepeat = func(req *http.Request, resp *http.Response, err error) bool {
				return err == nil && idempotent(req) && transient(resp.StatusCode) || mayRepeat(req, resp, err)
			}
			r.rewind = func(req *http.Request) (*http.Request, error) {
				if req.GetBody != nil {
					return rewind(req)
				}
				return req, nil
			}
		}),
		caught: []string{"UnreplayableBodySentWhole"},
	},
	{
		fault: "writes to the caller's request",
		change: around(func(r *reference, req *http.Request) (*http.Response, error) {
			req.Header.Set("Retry-Attempt", "1")
			return r.RoundTrip(req)
		}),
		caught: []string{"RequestNotModified"},
	},
	{
		fault: "keeps the last request",
		change: func(r *reference) http.RoundTripper {
			var last sync.Map
			return forwarding{r, func(req *http.Request) (*http.Response, error) {
				last.Store("request", req)
				return r.RoundTrip(req)
			}}
		},
		caught: []string{"RequestNotKept"},
	},
	{
		fault: "sends clones",
		change: beneath(func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
			return base.RoundTrip(req.Clone(req.Context()))
		}),
		caught: []string{"RequestTrailers"},
	},
	{
		fault: "holds one request's state in the wrapper",
		change: func(r *reference) http.RoundTripper {
			var mu sync.Mutex
			var current *http.Request
			r.rewind = func(*http.Request) (*http.Request, error) {
				mu.Lock()
				defer mu.Unlock()
				return rewind(current)
			}
			return forwarding{r, func(req *http.Request) (*http.Response, error) {
				mu.Lock()
				current = req
				mu.Unlock()
				return r.RoundTrip(req)
			}}
		},
		caught: []string{"RequestNotKept", "ConcurrentUse"},
	},
	{
		fault: "retries only GET",
		change: changed(func(r *reference) {
			r.mayRepeat = func(req *http.Request, resp *http.Response, err error) bool {
				return req.Method == "GET" && mayRepeat(req, resp, err)
			}
		}),
		caught: []string{
			"IdempotentReplayed", "FreshBodyPerAttempt", "EarlyReplyUpload", "PostWithKeyReplayed", "UnprocessedReplayed",
			"ConcurrentUse", "ReplayOnFreshConnection", "ReplayOverHTTP2", "Head", "RequestTrailers", "ExpectContinue",
			"RedirectsWithBody",
		},
	},
	{
		fault: "retries POST",
		change: changed(func(r *reference) {
			r.mayRepeat = func(req *http.Request, resp *http.Response, err error) bool {
				other := *req
				other.Method = "PUT"
				return mayRepeat(&other, resp, err)
			}
		}),
		caught: []string{"PostNotSentTwice"},
	},
	{
		fault: "does not look at the key",
		change: changed(func(r *reference) {
			r.mayRepeat = func(req *http.Request, resp *http.Response, err error) bool {
				return (idempotentMethod(req) || err != nil) && mayRepeat(req, resp, err)
			}
		}),
		caught: []string{"PostWithKeyReplayed"},
	},
	{
		fault: "retries no POST at all",
		change: changed(func(r *reference) {
			r.mayRepeat = func(req *http.Request, resp *http.Response, err error) bool {
				return idempotent(req) && mayRepeat(req, resp, err)
			}
		}),
		caught: []string{"UnprocessedReplayed"},
	},
	{
		fault: "retries only 503",
		change: changed(func(r *reference) {
			r.mayRepeat = func(req *http.Request, resp *http.Response, err error) bool {
				return (err != nil || resp.StatusCode == 503) && mayRepeat(req, resp, err)
			}
		}),
		caught: []string{"TransientStatusRetried"},
	},
	{
		fault: "retries whatever has a Retry-After",
		change: changed(func(r *reference) {
			r.mayRepeat = func(req *http.Request, resp *http.Response, err error) bool {
				return err == nil && !hasBody(req) && resp.Header["Retry-After"] != nil || mayRepeat(req, resp, err)
			}
		}),
		caught: []string{"FinalStatusNotRetried"},
	},
	{
		fault: "retries no errors",
		change: changed(func(r *reference) {
			r.mayRepeat = func(req *http.Request, resp *http.Response, err error) bool {
				return err == nil && mayRepeat(req, resp, err)
			}
		}),
		caught: []string{"AttemptsBounded", "TransientErrorRetried", "UnprocessedReplayed", "FreshBodyPerAttempt", "CancelKeepsLastError"},
	},
	{
		fault: "retries certificate errors",
		change: changed(func(r *reference) {
			r.mayRepeat = func(req *http.Request, resp *http.Response, err error) bool {
				return certificate(err) || mayRepeat(req, resp, err)
			}
		}),
		caught: []string{"CertificateErrorFinal"},
	},
	{
		fault:  "makes 101 attempts",
		change: changed(func(r *reference) { r.attempts = 101 }),
		caught: []string{"AttemptsBounded"},
	},
	{
		fault: "returns a response and an error together",
		change: changed(func(r *reference) {
			r.giveUp = func(resp *http.Response, err error) (*http.Response, error) {
				return resp, errors.Join(err, errors.New("giving up"))
			}
		}),
		caught: []string{"NeverBoth", "LastResponseUnread", "TimeoutStaysTimeout"},
	},
	{
		fault: "returns an error instead of the last response",
		change: changed(func(r *reference) {
			r.giveUp = func(resp *http.Response, err error) (*http.Response, error) {
				if resp == nil {
					return nil, err
				}
				resp.Body.Close()
				return nil, fmt.Errorf("giving up after %d attempts", r.attempts)
			}
		}),
		caught: []string{"LastResponseUnread"},
	},
	{
		fault: "returns an opaque error",
		change: changed(func(r *reference) {
			r.giveUp = func(resp *http.Response, err error) (*http.Response, error) {
				if resp != nil {
					return resp, nil
				}
				return nil, fmt.Errorf("giving up after %d attempts: %v", r.attempts, err)
			}
		}),
		caught: []string{"LastErrorMatches", "TimeoutStaysTimeout"},
	},
	{
		fault: "wraps the last error in one without Timeout",
		change: changed(func(r *reference) {
			r.giveUp = func(resp *http.Response, err error) (*http.Response, error) {
				if resp != nil {
					return resp, nil
				}
				return nil, fmt.Errorf("giving up after %d attempts: %w", r.attempts, err)
			}
		}),
		caught: []string{"TimeoutStaysTimeout"},
	},
	{
		fault: "reads the response into memory",
		change: around(func(r *reference, req *http.Request) (*http.Response, error) {
			resp, err := r.RoundTrip(req)
			if err != nil || resp.StatusCode == http.StatusSwitchingProtocols {
				return resp, err
			}
			defer resp.Body.Close()
			content, err := io.ReadAll(resp.Body)
			if err != nil {
				return nil, err
			}
			resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(content)), int64(len(content))
			return resp, nil
		}),
		caught: []string{"LastResponseUnread", "Head"},
	},
	{
		fault: "returns a copy of the response",
		change: around(func(r *reference, req *http.Request) (*http.Response, error) {
			resp, err := r.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			copied := *resp
			return &copied, nil
		}),
		caught: []string{"ResponseTrailers"},
	},
	{
		fault: "wraps the body of a 101",
		change: around(func(r *reference, req *http.Request) (*http.Response, error) {
			resp, err := r.RoundTrip(req)
			if err == nil {
				resp.Body = struct{ io.ReadCloser }{resp.Body}
			}
			return resp, err
		}),
		caught: []string{"SwitchingProtocols"},
	},
	{
		fault: "ignores Retry-After",
		change: changed(func(r *reference) {
			r.wait = func(n int, _ *http.Response) time.Duration { return backoff(n) }
		}),
		caught: []string{
			"RetryAfterNeverEarly", "RetryAfterDates", "RetryAfterSkewedClock", "RetryAfterOverflow", "RetryAfterTooLong",
			"CancelWhileWaiting",
		},
	},
	{
		fault: "waits for any Retry-After",
		change: changed(func(r *reference) {
			r.wait = asking(retryAfter, func(asked, own time.Duration) time.Duration { return asked + own })
		}),
		caught: []string{"RetryAfterTooLong"},
	},
	{
		fault: "caps Retry-After and asks again earlier",
		change: changed(func(r *reference) {
			r.wait = asking(retryAfter, func(asked, own time.Duration) time.Duration { return min(asked, maxRetryAfter) + own })
		}),
		caught: []string{"RetryAfterTooLong", "RetryAfterOverflow"},
	},
	{
		fault: "lets Retry-After overflow",
		change: changed(func(r *reference) {
			r.wait = capped(func(h http.Header) time.Duration {
				if seconds, err := strconv.ParseUint(h.Get("Retry-After"), 10, 64); err == nil {
					return max(0, time.Duration(seconds)*time.Second)
				}
				return retryAfter(h)
			})
		}),
		caught: []string{"RetryAfterOverflow"},
	},
	{
		fault: "jitters Retry-After downwards",
		change: changed(func(r *reference) {
			r.wait = asking(retryAfter, func(asked, own time.Duration) time.Duration {
				if asked > maxRetryAfter {
					return -1
				}
				return own + time.Duration(float64(asked)*(0.66+0.34*rand.Float64()))
			})
		}),
		caught: []string{"RetryAfterNeverEarly", "RetryAfterDates", "RetryAfterSkewedClock"},
	},
	{
		fault: "retries at once after a past date",
		change: changed(func(r *reference) {
			r.wait = func(n int, resp *http.Response) time.Duration {
				if resp != nil && resp.Header.Get("Retry-After") != "" && retryAfter(resp.Header) == 0 {
					if _, err := http.ParseTime(resp.Header.Get("Retry-After")); err == nil {
						return 0
					}
				}
				return wait(n, resp)
			}
		}),
		caught: []string{"RetryAfterPast"},
	},
	{
		fault: "takes a negative Retry-After for none",
		change: changed(func(r *reference) {
			r.wait = func(n int, resp *http.Response) time.Duration {
				if resp != nil {
					if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds < 0 {
						return 0
					}
				}
				return wait(n, resp)
			}
		}),
		caught: []string{"RetryAfterGarbage"},
	},
	{
		fault: "reads dates against the local clock",
		change: changed(func(r *reference) {
			r.wait = capped(func(h http.Header) time.Duration {
				h = h.Clone()
				h.Del("Date")
				return retryAfter(h)
			})
		}),
		caught: []string{"RetryAfterSkewedClock"},
	},
	{
		fault: "parses only the first form of a date",
		change: changed(func(r *reference) {
			r.wait = capped(func(h http.Header) time.Duration {
				v := h.Get("Retry-After")
				_, numeric := strconv.ParseUint(v, 10, 64)
				if _, err := time.Parse(http.TimeFormat, v); err != nil && errors.Is(numeric, strconv.ErrSyntax) {
					return 0
				}
				return retryAfter(h)
			})
		}),
		caught: []string{"RetryAfterDates"},
	},
	{
		fault: "loses the jitter at the cap",
		change: changed(func(r *reference) {
			r.wait = backingOff(func(n int) time.Duration {
				doubled := firstBackoff << min(n-1, 20)
				return min(longest, doubled+rand.N(time.Second))
			})
		}),
		caught: []string{"JitterAtCap"},
	},
	{
		fault: "lets the backoff overflow",
		change: changed(func(r *reference) {
			r.wait = backingOff(func(n int) time.Duration {
				limit := min(longest, firstBackoff<<(n-1))
				return rand.N(max(limit, 0) + 1)
			})
		}),
		caught: []string{"TruncationWithoutOverflow"},
	},
	{
		fault: "returns an opaque error when cancelled",
		change: changed(func(r *reference) {
			r.cancelled = func(context.Context, error) error { return errors.New("the wait was interrupted") }
		}),
		caught: []string{"CancelWhileWaiting", "CancelKeepsCause", "CancelKeepsLastError"},
	},
	{
		fault: "returns the context's error alone when cancelled",
		change: changed(func(r *reference) {
			r.cancelled = func(ctx context.Context, _ error) error { return ctx.Err() }
		}),
		caught: []string{"CancelKeepsCause", "CancelKeepsLastError"},
	},
	{
		fault: "does not forward CloseIdleConnections",
		change: func(r *reference) http.RoundTripper {
			return struct{ http.RoundTripper }{r}
		},
		caught: []string{"CloseIdleConnectionsForwarded"},
	},
	{
		fault: "closes idle connections by itself",
		change: changed(func(r *reference) {
			r.discard = func(resp *http.Response, limit time.Duration) {
				discard(resp, limit)
				r.CloseIdleConnections()
			}
		}),
		caught: []string{"IdleConnectionsKept", "ConnectionReuse"},
	},
	{
		fault: "leaks the context of an attempt that failed",
		change: beneath(func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
			var body releasing
			var ctx context.Context
			ctx, body.release = context.WithCancel(req.Context())
			resp, err := base.RoundTrip(req.WithContext(ctx))
			if err == nil {
				body.ReadCloser = resp.Body
				resp.Body = &body
			}
			return resp, err
		}),
		caught: []string{"NothingLeft", "SwitchingProtocols"},
	},
	{
		fault: "ends the context of an attempt with the attempt",
		change: beneath(func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
			ctx, cancel := context.WithCancel(req.Context())
			defer cancel()
			return base.RoundTrip(req.WithContext(ctx))
		}),
		caught: []string{"ResponseOutlivesCall", "ConnectionReuse"},
	},
	{
		fault: "makes attempts under a context of its own",
		change: beneath(func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
			return base.RoundTrip(req.WithContext(context.Background()))
		}),
		caught: []string{"NeverBoth", "BodyClosed", "NothingLeft", "ClientTimeout", "Informational"}, // blocked in the first three
	},
}

// capped is the reference's wait with another parser of Retry-After.
func capped(parse func(http.Header) time.Duration) func(int, *http.Response) time.Duration {
	return asking(parse, func(asked, own time.Duration) time.Duration {
		if asked > maxRetryAfter {
			return -1
		}
		return asked + own
	})
}

func asking(parse func(http.Header) time.Duration, sum func(asked, own time.Duration) time.Duration) func(int, *http.Response) time.Duration {
	return func(n int, resp *http.Response) time.Duration {
		if resp == nil {
			return backoff(n)
		}
		return sum(parse(resp.Header), backoff(n))
	}
}

// backingOff is the reference's wait with another backoff.
func backingOff(own func(int) time.Duration) func(int, *http.Response) time.Duration {
	return func(n int, resp *http.Response) time.Duration {
		if resp == nil || resp.Header["Retry-After"] == nil {
			return own(n)
		}
		return wait(n, resp)
	}
}

// sharedReader gives req a body in memory, and a GetBody that rewinds it.
func sharedReader(req *http.Request) *http.Request {
	if !hasBody(req) {
		return req
	}
	content, err := io.ReadAll(req.Body)
	req.Body.Close()
	if err != nil {
		return req
	}
	copied, shared := *req, &lockedReader{reader: bytes.NewReader(content)}
	copied.Body = shared
	copied.GetBody = func() (io.ReadCloser, error) { return shared, shared.rewind() }
	return &copied
}

// lockedReader keeps the race detector quiet, which would blame whatever other test runs at that moment.
type lockedReader struct {
	mu     sync.Mutex
	reader *bytes.Reader
}

func (l *lockedReader) Read(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reader.Read(b)
}

func (l *lockedReader) rewind() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.reader.Seek(0, io.SeekStart)
	return err
}

func (*lockedReader) Close() error { return nil }

// releasing is a body with the context of its attempt.
type releasing struct {
	io.ReadCloser
	release context.CancelFunc
}

func (r *releasing) Close() error {
	defer r.release()
	return r.ReadCloser.Close()
}
