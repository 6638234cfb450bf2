package idempotency

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-e3550de8/retry"
)

// A Transport is an [http.RoundTripper] that gives a key to requests which have none, and sends them through another
// one, its base. The zero Transport gives Idempotency-Key to POST and PATCH.
//
// A request with a key is a shallow copy with a header map of its own; nothing else of it changes. The caller's request
// is not modified, and the key that was sent is in resp.Request.Header. A request that gets no key is handed to the
// base as it is.
//
// The key of the caller wins. It is there if the header map has the field's name, in any casing and with any value. A
// value of length zero, as in req.Header["Idempotency-Key"] = nil, is never sent: it marks a request that may be
// repeated without a key, as [http.Transport] and [retry.Idempotent] have it. Where Header is Idempotency-Key, a key
// under X-Idempotency-Key counts too, and the other way round.
//
// With a key, whoever gave it, a request whose method is in Methods is idempotent for a [retry.Transport] further in.
// [retry.Idempotent] sees that by itself under the two names above; under any other, the context comes from
// [retry.AsIdempotent].
//
// When [http.Client] follows a redirect that keeps the method, the key stays as long as the host does (the port counts,
// unless it is the scheme's own). Another host gets a new one, as a key is between two parties; but http.Client itself
// hands on one that the caller set. This needs a base that sets Response.Request, as RoundTrippers do; behind one that
// leaves it nil, each redirect gets a new key.
//
// A Transport may be used by many goroutines at once. Its fields must not change after the first use.
type Transport struct {
	// Base sends the requests. It is the one that retries: a Transport inside of that would give each attempt a key of
	// its own. Nil means [http.DefaultTransport], which repeats only what is lost on a kept connection.
	Base http.RoundTripper

	// Methods are those whose requests get a key; case-sensitive (RFC 9110 section 9.1). An empty one is GET, as it is
	// for net/http. Nil and empty mean POST and PATCH.
	Methods []string

	// Header is the name of the field, in any casing. Empty means Idempotency-Key. What is no field name (RFC 9110
	// section 5.1), or a field that frames the message, such as Content-Length, is an error of each request that would
	// get a key.
	Header string

	// Quoted sends the key as a string of structured fields: in double quotes, with a backslash before each of those
	// and of backslashes in it (RFC 9651 section 3.3.3). That is the form of section 2.1 of
	// draft-ietf-httpapi-idempotency-key-header-07. Without it the key is sent bare, as most servers want it.
	Quoted bool

	// Key makes the key of a request, once per call and host. It may neither change the request nor read its body. Nil
	// means [crypto/rand.Text], at least 128 random bits. A key that is empty, has other than printable ASCII
	// characters, or begins or ends with a space though it is bare, is an error of the request, which is not sent.
	Key func(*http.Request) string
}

var _ http.RoundTripper = (*Transport)(nil)

// RoundTrip implements [http.RoundTripper]. Its errors are the base's own, but for a key or a field name that cannot be
// sent: then nothing is, the request's body is closed, and the error says what is wrong without the key in it.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if !t.covers(req.Method) {
		return t.base().RoundTrip(req)
	}
	keyed, err := t.keyed(req)
	if err != nil {
		return nil, err
	}
	return t.base().RoundTrip(keyed)
}

// CloseIdleConnections calls the base's method of that name, if it has one, as [http.Client.CloseIdleConnections] does.
func (t *Transport) CloseIdleConnections() {
	if base, ok := t.base().(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

// WrappedRoundTripper returns the base, for clients that look through it for the [http.Transport] inside.
func (t *Transport) WrappedRoundTripper() http.RoundTripper { return t.base() }

func (t *Transport) base() http.RoundTripper {
	if t.Base == nil {
		return http.DefaultTransport
	}
	return t.Base
}

func (t *Transport) covers(method string) bool {
	if len(t.Methods) == 0 {
		return method == http.MethodPost || method == http.MethodPatch
	}
	same := func(m string) bool { return cmp.Or(m, http.MethodGet) == cmp.Or(method, http.MethodGet) }
	return slices.ContainsFunc(t.Methods, same)
}

// keyed returns req if it has a key that whoever retries sees, or else a copy. The body is closed unless a request is
// returned, also when the Key function panics.
func (t *Transport) keyed(req *http.Request) (keyed *http.Request, err error) {
	defer func() {
		if keyed == nil && req.Body != nil {
			req.Body.Close()
		}
	}()
	name, err := fieldName(t.Header)
	if err != nil {
		return nil, err
	}
	sent := req
	if !has(req.Header, name) {
		if sent, err = t.withKey(req, name); err != nil {
			return nil, err
		}
	}
	if !retry.Idempotent(sent) {
		sent = sent.WithContext(retry.AsIdempotent(sent.Context()))
	}
	return sent, nil
}

func (t *Transport) withKey(req *http.Request, name string) (*http.Request, error) {
	values := inherited(req, name)
	if values == nil {
		value, err := t.value(req)
		if err != nil {
			return nil, err
		}
		values = []string{value}
	}
	keyed := req.WithContext(req.Context())
	keyed.Header = maps.Clone(req.Header)
	if keyed.Header == nil {
		keyed.Header = make(http.Header)
	}
	keyed.Header[name] = values
	return keyed, nil
}

// has reports whether h has the field, or the one that is known as the other name for it. The casing of a map's keys is
// the caller's: net/http sends them as they are.
func has(h http.Header, name string) bool {
	for key := range h {
		if strings.EqualFold(key, name) || standard(name) && standard(key) {
			return true
		}
	}
	return false
}

// standard reports whether name is one of the two under which net/http and package retry know a key.
func standard(name string) bool {
	return strings.EqualFold(name, "Idempotency-Key") || strings.EqualFold(name, "X-Idempotency-Key")
}
