package idempotency_test

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/idempotency"
)

// FuzzKey: whatever a function of the user's returns, either nothing is sent, or a server reads that very key, once,
// and the rest of the message is what it was.
func FuzzKey(f *testing.F) {
	keys := []string{"", "a", " a", "a ", `"`, `\`, `\"`, "a\r\nb: c", "\x00", "\t", "\x7f", "\u00fc", "a,b", "8e03"}
	for _, key := range keys {
		f.Add(key, "Idempotency-Key", true)
		f.Add(key, "", false)
	}
	f.Add("a", "request-id", true)
	f.Add("a", "a b", true)
	f.Add("a", "HOST", false)
	f.Add("a", "content-length", false)
	f.Add("a", "user-agent", false)
	f.Fuzz(func(t *testing.T, key, header string, quoted bool) {
		var got []*http.Request
		tr := idempotency.Transport{Base: recorded(&got), Header: header, Quoted: quoted, Key: fixed(key)}
		if resp, err := tr.RoundTrip(request(t, http.MethodPost)); err != nil {
			assert.Empty(t, got)
			return
		} else {
			assert.NoError(t, resp.Body.Close())
		}
		if header == "" {
			header = "Idempotency-Key"
		}
		arrived := received(t, got[0]).Header[http.CanonicalHeaderKey(header)]
		require.Len(t, arrived, 1)
		if quoted {
			assert.Equal(t, key, unquote(t, arrived[0]))
		} else {
			assert.Equal(t, key, arrived[0])
		}
	})
}

// received is what a server reads of req.
func received(t *testing.T, req *http.Request) *http.Request {
	t.Helper()
	var wire bytes.Buffer
	require.NoError(t, req.Write(&wire))
	got, err := http.ReadRequest(bufio.NewReader(&wire))
	require.NoError(t, err)
	assert.Equal(t, "POST /orders", got.Method+" "+got.RequestURI)
	assert.EqualValues(t, len("order"), got.ContentLength)
	return got
}

// unquote reads a string of a structured field by the steps of RFC 9651 section 4.2.5.
func unquote(t *testing.T, text string) string {
	t.Helper()
	require.True(t, strings.HasPrefix(text, `"`), text)
	var out strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			assert.Equal(t, len(text)-1, i, "nothing follows the string")
			return out.String()
		case c == '\\':
			i++
			require.Less(t, i, len(text))
			require.Contains(t, `"\`, text[i:i+1])
			out.WriteByte(text[i])
		default:
			require.True(t, c >= ' ' && c <= '~', text)
			out.WriteByte(c)
		}
	}
	require.Fail(t, "the string does not end", text)
	return ""
}
