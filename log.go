package retry

import (
	"log/slog"
)

var (
	_ slog.LogValuer = Attempt{}
	_ slog.LogValuer = Decision{}
)

// LogValue implements [slog.LogValuer]: the number, the method, the host, and the status or the error. It has no path,
// query or user of the URL, no header and no body.
func (a Attempt) LogValue() slog.Value {
	attrs := []slog.Attr{slog.Int("number", a.Number)}
	if a.Request != nil {
		attrs = append(attrs, slog.String("method", methodOf(a.Request.Method)))
	}
	if u := a.url(); u != nil {
		attrs = append(attrs, slog.String("host", u.Host))
	}
	if a.Response != nil {
		attrs = append(attrs, slog.Int("status", a.Response.StatusCode))
	}
	if a.Err != nil {
		attrs = append(attrs, slog.String("error", withoutURL(a.Err).Error()))
	}
	if a.Duration > 0 {
		attrs = append(attrs, slog.Duration("duration", a.Duration))
	}
	return slog.GroupValue(attrs...)
}

// String returns the decision in one line, such as "retry in 2s (transient)" or "final".
func (d Decision) String() string {
	switch {
	case d.Retry:
		return "retry in " + d.Delay.String() + " (" + d.Class.String() + ")"
	case d.Reason != nil:
		return "no retry: " + withoutURL(d.Reason).Error() + " (" + d.Class.String() + ")"
	}
	return d.Class.String()
}

// LogValue implements [slog.LogValuer]: whether there is a retry, the class, the delay, and the reason as text.
func (d Decision) LogValue() slog.Value {
	attrs := []slog.Attr{slog.Bool("retry", d.Retry), slog.String("class", d.Class.String())}
	if d.Delay > 0 {
		attrs = append(attrs, slog.Duration("delay", d.Delay), slog.Bool("from_server", d.FromServer))
	}
	if d.Reason != nil {
		attrs = append(attrs, slog.String("reason", withoutURL(d.Reason).Error()))
	}
	return slog.GroupValue(attrs...)
}
