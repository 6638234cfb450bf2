package retrytest

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

var waitingChecks = []check{
	{
		name: "DeadlineNotSleptPast",
		promise: "if the wait would end after the context's deadline, the response in hand is returned at once " +
			"instead.",
		why: "the retry cannot happen any more. Sleeping holds the caller to the last moment, and then throws " +
			"the answer of the server away for \"context deadline exceeded\".",
		needs: []need{deadline, lastResponse},
		run:   deadlineNotSleptPast,
	},
	{
		name: "CancelWhileWaiting",
		promise: "a cancelled context ends a wait at once, with an error that matches context.Canceled, without a " +
			"response and without another attempt.",
		why: "the caller has gone: net/http ends everything else at that moment too. An opaque error makes " +
			"callers log, count and repeat what they stopped themselves.",
		needs: []need{backoff},
		run:   cancelWhileWaiting,
	},
	{
		name:    "CancelKeepsCause",
		promise: "the error of a wait that was cancelled with a cause matches both context.Canceled and the cause.",
		why: "context.WithCancelCause is there to say why; net/http's transport returns the cause too. Lost, " +
			"nobody knows who stopped the request.",
		needs: []need{backoff},
		run:   cancelKeepsCause,
	},
	{
		name:    "CancelKeepsLastError",
		promise: "the error of a cancelled wait also matches the error of the attempt before it.",
		why:     "\"context canceled\" alone hides that the server could not be reached for the whole time before.",
		needs:   []need{errorRetries, backoff},
		run:     cancelKeepsLastError,
	},
	{
		name:    "ClientTimeout",
		promise: "http.Client.Timeout bounds all attempts and waits together, and its error has Timeout() true.",
		why: "http.Client: \"The timeout includes connection time, any redirects, and reading the response " +
			"body.\" Callers rely on that bound.",
		run: clientTimeout,
	},
	{
		name:    "JitterAtCap",
		promise: "each wait of a wrapper's own choosing is random, the longest ones included.",
		why: "clients that failed together come back together. Jitter that is added before the wait is truncated " +
			"is lost from there on, when the outage is at its longest.",
		needs: []need{backoff, jitter},
		run:   jitterAtCap,
	},
	{
		name:    "TruncationWithoutOverflow",
		promise: "no wait is longer than the longest one claimed, and late ones do not collapse to nothing.",
		why: "doubling overflows after 33 retries from a second in nanoseconds, or after 63 from anything: what " +
			"follows is negative or zero, a hot loop exactly when the server has been down for long.",
		needs: []need{backoff},
		run:   truncationWithoutOverflow,
	},
}

func deadlineNotSleptPast(p *probe) {
	asked := p.bearable(30 * time.Second)
	for _, c := range []struct {
		timeout time.Duration
		header  []string
	}{
		{timeout: asked / 2, header: []string{"Retry-After", strconv.Itoa(int(asked.Seconds()))}},
		{timeout: time.Microsecond},
	} {
		if c.header != nil && p.claims.NoRetryAfter {
			continue
		}
		req := p.request(http.MethodGet)
		ctx, cancel := context.WithTimeout(req.Context(), c.timeout)
		defer cancel()
		b := &base{outcomes: []outcome{p.failing(c.header...)}}
		start := time.Now()
		got, err := p.send(b, req.WithContext(ctx))
		took := time.Since(start)
		if got.code != p.claims.failureStatus() || got.text != replyTo(b.attempts()) || err != nil {
			p.broken("With %v to the deadline and the header fields %q, the call gave, after %v, the status %d, the "+
				"body %q and the error %v.", c.timeout, c.header, took, got.code, got.text, err)
		}
		if took >= c.timeout {
			p.broken("With %v to the deadline and the header fields %q, the response was returned only after %v.",
				c.timeout, c.header, took)
		}
	}
}

// interrupted cancels a request, for the reason cause, while the wrapper waits after the outcome a. It returns how
// long after the cancellation the call ended, and its error.
func (p *probe) interrupted(a outcome, after time.Duration, cause error) (late time.Duration, err error) {
	p.Helper()
	req := p.request(http.MethodGet)
	ctx, cancel := context.WithCancelCause(req.Context())
	defer cancel(nil)
	b := &base{outcomes: []outcome{a}}
	b.onSend = func(int, *http.Request) { time.AfterFunc(after, func() { cancel(cause) }) }
	start := time.Now()
	got, err := p.send(b, req.WithContext(ctx))
	late = time.Since(start) - after
	if err == nil || got.code != 0 {
		p.broken("Cancelled during the wait after %s, the call gave the status %d and the error %v.", a, got.code, err)
	}
	if n := b.attempts(); n > 1 {
		p.broken("Cancelled during the wait after %s, the wrapper made %d attempts.", a, n)
	}
	return late, err
}

func cancelWhileWaiting(p *probe) {
	a, after := p.failing(), time.Nanosecond
	if !p.claims.NoRetryAfter {
		asked := p.bearable(20 * time.Second)
		a, after = p.failing("Retry-After", strconv.Itoa(int(asked.Seconds()))), asked/2
	}
	late, err := p.interrupted(a, after, nil)
	if late > 0 {
		p.broken("The call returned %v after its context was cancelled.", late)
	}
	if !errors.Is(err, context.Canceled) {
		p.broken("The error was %q, which does not match context.Canceled.", err)
	}
}

func cancelKeepsCause(p *probe) {
	cause := errors.New("the user pressed stop")
	_, err := p.interrupted(p.failing(), time.Nanosecond, cause)
	if !errors.Is(err, cause) || !errors.Is(err, context.Canceled) {
		p.broken("The error was %q: it matches context.Canceled: %t, the cause: %t.",
			err, errors.Is(err, context.Canceled), errors.Is(err, cause))
	}
}

func cancelKeepsLastError(p *probe) {
	_, err := p.interrupted(failure(errPassing), time.Nanosecond, nil)
	if !errors.Is(err, errPassing) || !errors.Is(err, context.Canceled) {
		p.broken("The error was %q: it matches context.Canceled: %t, the last attempt's error: %t.",
			err, errors.Is(err, context.Canceled), errors.Is(err, errPassing))
	}
}

func clientTimeout(p *probe) {
	// Whether the Client calls an error a timeout itself depends on which of its two timers is seen first. Where it is
	// left to that, a single look would pass now and then.
	const looks = 16
	for range looks {
		p.timesOut(p.failing())
		p.timesOut(outcome{hang: true})
	}
}

// timesOut makes a request of a Client with a Timeout. Its first attempt ends with first, and the others hang.
func (p *probe) timesOut(first outcome) {
	p.Helper()
	const timeout = 10 * time.Second
	b := &base{outcomes: []outcome{first, {hang: true}}}
	client := &http.Client{Transport: p.wrap(b), Timeout: timeout}
	start := time.Now()
	resp, err := client.Get(target)
	took := time.Since(start)
	if err == nil {
		resp.Body.Close()
		// A wait that would pass the deadline ends the call with the response: that is within the bound too.
		if took < timeout {
			return
		}
		p.broken("After a server that hangs, there was a response with status %d after %v.", resp.StatusCode, took)
	}
	if took > timeout {
		p.broken("The call took %v with a Timeout of %v.", took, timeout)
	}
	if ue, ok := errors.AsType[*url.Error](err); !ok || !ue.Timeout() {
		p.broken("The error %q had Timeout() false.", err)
	}
}

func jitterAtCap(p *probe) {
	const requests = 24
	var waits [][]time.Duration // by the number of the retry
	for range requests {
		b := &base{outcomes: []outcome{p.failing()}}
		_, _ = p.send(b, p.request(http.MethodGet))
		for i, w := range b.waits() {
			if i == len(waits) {
				waits = append(waits, nil)
			}
			waits[i] = append(waits[i], w)
		}
	}
	for i, ws := range waits {
		different := map[time.Duration]bool{}
		for _, w := range ws {
			different[w] = true
		}
		if len(different) <= len(ws)/2 {
			p.broken("The wait before retry %d had only %d different values in %d requests: %v.",
				i+1, len(different), len(ws), ws)
		}
	}
}

func truncationWithoutOverflow(p *probe) {
	wrap := p.wrap
	if p.claims.Persistent != nil {
		wrap = p.claims.Persistent
	}
	b := &base{outcomes: []outcome{p.failing()}}
	if resp, err := p.roundTrip(wrap(b), p.request(http.MethodGet)); err == nil {
		resp.Body.Close()
	}
	waits := b.waits()
	if p.claims.Persistent != nil && len(waits) < 99 {
		p.broken("What Claims.Persistent makes gave up after %d attempts.", len(waits)+1)
	}
	for i, w := range waits {
		if w > p.claims.longestBackoff() {
			p.broken("The wait before retry %d was %v, and the longest one claimed is %v.",
				i+1, w, p.claims.longestBackoff())
		}
		if w == 0 && i > 0 {
			p.broken("There was no wait before retry %d; the ones before were %v.", i+1, waits[:i])
		}
	}
	if n := len(waits); n > 40 && sum(waits[n-20:]) < sum(waits[5:25])/4 {
		p.broken("Waits 6 to 25 took %v together, the last twenty of %d only %v.",
			sum(waits[5:25]), n, sum(waits[n-20:]))
	}
}

func sum(ds []time.Duration) (total time.Duration) {
	for _, d := range ds {
		total += d
	}
	return total
}
