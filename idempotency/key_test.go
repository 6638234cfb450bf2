package idempotency_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/idempotency"
)

// A watchedBody counts how often it was closed.
type watchedBody struct {
	*strings.Reader
	closed int
}

func (b *watchedBody) Close() error {
	b.closed++
	return nil
}

func TestWhatCannotBeSentIsAnErrorBeforeAnythingIs(t *testing.T) {
	tests := []struct {
		name string
		tr   idempotency.Transport
		want string
	}{
		{"empty", idempotency.Transport{Key: fixed("")}, "empty key"},
		{"empty, quoted", idempotency.Transport{Key: fixed(""), Quoted: true}, "empty key"},
		{"a line break", idempotency.Transport{Key: fixed("secret\r\nX: y")}, "0x0d at index 6"},
		{"a line break, quoted", idempotency.Transport{Key: fixed("secret\n"), Quoted: true}, "0x0a at index 6"},
		{"NUL", idempotency.Transport{Key: fixed("\x00secret")}, "0x00 at index 0"},
		{"a tab", idempotency.Transport{Key: fixed("secret\tb")}, "0x09 at index 6"},
		{"DEL", idempotency.Transport{Key: fixed("secret\x7f")}, "0x7f at index 6"},
		{"not ASCII", idempotency.Transport{Key: fixed("secret\u00fc")}, "0xc3 at index 6"},
		{"a space in front", idempotency.Transport{Key: fixed(" secret")}, "space"},
		{"a space behind", idempotency.Transport{Key: fixed("secret ")}, "space"},
		{"only a space", idempotency.Transport{Key: fixed(" ")}, "space"},
		{"no field name", idempotency.Transport{Header: "Idempotency Key"}, `no field name: "Idempotency Key"`},
		{"a colon in the name", idempotency.Transport{Header: "Idempotency-Key:"}, `no field name: "Idempotency-Key:"`},
		{"a line break in the name", idempotency.Transport{Header: "A\nB"}, `no field name: "A\nB"`},
		{"a field that frames the message", idempotency.Transport{Header: "content-length"}, "Content-Length"},
		{"a field that net/http leaves out", idempotency.Transport{Header: "host"}, "Host"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []*http.Request
			tt.tr.Base = recorded(&got)
			body := &watchedBody{Reader: strings.NewReader("order")}
			req := request(t, http.MethodPost)
			req.Body = body

			resp, err := tt.tr.RoundTrip(req)
			require.Nil(t, resp)
			require.ErrorContains(t, err, tt.want)
			assert.True(t, strings.HasPrefix(err.Error(), "idempotency: "), err)
			assert.NotContains(t, err.Error(), "secret")
			assert.Empty(t, got)
			assert.Equal(t, 1, body.closed)
		})
	}
	t.Run("without a body", func(t *testing.T) {
		req := request(t, http.MethodPost)
		req.Body = nil
		_, err := (&idempotency.Transport{Key: fixed("")}).RoundTrip(req)
		assert.ErrorContains(t, err, "empty key")
	})
	t.Run("but not of a request that needs no key", func(t *testing.T) {
		sent(t, idempotency.Transport{Header: "no name", Key: fixed("")}, request(t, http.MethodPut))
		mine := request(t, http.MethodPost)
		mine.Header.Set("Idempotency-Key", "mine")
		sent(t, idempotency.Transport{Key: fixed("")}, mine)
	})
}

func TestAPanicOfTheKeyFunctionClosesTheBodyAndGoesOn(t *testing.T) {
	body := &watchedBody{Reader: strings.NewReader("order")}
	req := request(t, http.MethodPost)
	req.Body = body
	tr := &idempotency.Transport{Key: func(*http.Request) string { panic("no key today") }}
	assert.PanicsWithValue(t, "no key today", func() { _, _ = tr.RoundTrip(req) })
	assert.Equal(t, 1, body.closed)
}

func TestTheKeyFunctionIsAskedOncePerCall(t *testing.T) {
	asked := 0
	var of *http.Request
	tr := idempotency.Transport{Key: func(req *http.Request) string {
		asked++
		of = req
		return "order-17"
	}}
	req := request(t, http.MethodPost)
	assert.Equal(t, "order-17", sent(t, tr, req).Header.Get("Idempotency-Key"))
	assert.Equal(t, 1, asked)
	assert.Same(t, req, of)
}

func TestQuotedKeysAreStringsOfStructuredFields(t *testing.T) {
	tests := []struct{ key, want string }{
		{"8e03978e-40d5-43e8-bc93-6894a57f9324", `"8e03978e-40d5-43e8-bc93-6894a57f9324"`},
		{`a"b`, `"a\"b"`},
		{`a\b`, `"a\\b"`},
		{`\"`, `"\\\""`},
		{" a ", `" a "`},
		{" ", `" "`},
		{"a,b;c", `"a,b;c"`},
		{"~!", `"~!"`},
	}
	for _, tt := range tests {
		tr := idempotency.Transport{Quoted: true, Key: fixed(tt.key)}
		got := sent(t, tr, request(t, http.MethodPost))
		assert.Equal(t, []string{tt.want}, got.Header["Idempotency-Key"], tt.key)
	}
}
