package retry

import "context"

// settings are what a request's context says to the Transports on its way.
type settings struct {
	policy     *Policy // overrides; nil for none
	idempotent bool
	attempt    int // 0 on a first attempt
}

type settingsKey struct{}

// settingsContext carries settings. One type for all of them, because every request looks it up, and because a retry
// then costs one allocation for its context.
type settingsContext struct {
	context.Context
	settings settings
}

func (c *settingsContext) Value(key any) any {
	if key == (settingsKey{}) {
		return &c.settings
	}
	return c.Context.Value(key)
}

// settingsOf returns what ctx carries, or nil.
func settingsOf(ctx context.Context) *settings {
	s, _ := ctx.Value(settingsKey{}).(*settings)
	return s
}

func with(ctx context.Context, change func(*settings)) context.Context {
	if ctx == nil {
		panic("retry: nil context")
	}
	c := &settingsContext{Context: ctx}
	if s := settingsOf(ctx); s != nil {
		c.settings = *s
	}
	change(&c.settings)
	return c
}

// WithPolicy returns a context whose requests are sent under the Transport's policy with the fields of p in place of
// its own. Zero fields of p keep the Transport's value, or that of an outer WithPolicy. Like [context.WithValue], it
// panics if ctx is nil. Nested Transports all follow it. The Transport's own Budget is made for the MaxAttempts of [New]:
// with more of them in p, set its Budget too.
func WithPolicy(ctx context.Context, p Policy) context.Context {
	return with(ctx, func(s *settings) {
		if s.policy != nil {
			p = s.policy.override(&p)
		}
		s.policy = &p
	})
}

// AsIdempotent returns a context that says of its requests: this may be processed twice, whatever its method. See
// [Idempotent]; a Policy.Idempotent of your own does not hear of it unless it asks that.
func AsIdempotent(ctx context.Context) context.Context {
	return with(ctx, func(s *settings) { s.idempotent = true })
}

// AttemptNumber returns which attempt ctx belongs to, for a base to know, and 1 for every context that is not a
// retry's, nil included. Of a response, AttemptNumber(resp.Request.Context()) is the number of attempts that it took, if
// the base has set Request to what it was given, as RoundTrippers do. Don't send other requests under that context: they
// would count as part of the retry, and not be retried themselves.
func AttemptNumber(ctx context.Context) int {
	if ctx == nil {
		return 1
	}
	if s := settingsOf(ctx); s != nil {
		return max(s.attempt, 1)
	}
	return 1
}

// withAttempt returns a context for attempt number n.
func withAttempt(ctx context.Context, n int) context.Context {
	c := &settingsContext{Context: ctx}
	if s := settingsOf(ctx); s != nil {
		c.settings = *s
	}
	c.settings.attempt = n
	return c
}
