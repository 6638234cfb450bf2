//go:build !go1.27

package migrating

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// loopPosts is how often a loop around client.Do sends the body of one request. This file and its counterpart go in
// February 2027, with Go 1.26.
const loopPosts = 1

func TestALoopHasNoBodyLeftForTheSecondTime(t *testing.T) {
	for _, before := range []way{loop(cenkaltiBefore), loop(avastBefore), loop(handWrittenBefore)} {
		asked := 0
		counted := func(base http.RoundTripper, req *http.Request) (string, error) {
			_, err := before(counting{base, &asked}, req)
			require.ErrorContains(t, err, "Body length 0")
			return "", err
		}
		run(t, counted, http.MethodPost)
		assert.Equal(t, 4, asked)
	}
}

type counting struct {
	base http.RoundTripper
	n    *int
}

func (c counting) RoundTrip(req *http.Request) (*http.Response, error) {
	*c.n++
	return c.base.RoundTrip(req)
}
