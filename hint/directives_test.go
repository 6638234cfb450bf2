package hint_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/hint"
)

func answered(status int, header ...string) retry.Attempt {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	return retry.Attempt{Number: 1, Response: &http.Response{StatusCode: status, Header: h, Body: http.NoBody}}
}

func always(c retry.Class) func(retry.Attempt) retry.Class {
	return func(retry.Attempt) retry.Class { return c }
}

func TestADirectiveIsAskedBeforeWhatComesNext(t *testing.T) {
	for _, row := range []struct {
		name   string
		status int
		value  string
		next   retry.Class
		want   retry.Class
	}{
		{"a success that is to be repeated", 200, "false", retry.Transient, retry.Transient},
		{"proof stays proof", 429, "true", retry.Unprocessed, retry.Unprocessed},
		{"false beats proof", 429, "false", retry.Unprocessed, retry.Final},
		{"true beats none", 404, "true", retry.Final, retry.Transient},
		{"nothing is said", 404, "", retry.Transient, retry.Transient},
	} {
		class := hint.Directed("x-should-retry", always(row.next))
		assert.Equal(t, row.want, class(answered(row.status, "X-Should-Retry", row.value)), row.name)
	}
}

func TestALimitLeavesProofAsItIs(t *testing.T) {
	limit := answered(429)
	assert.Equal(t, retry.Unprocessed, hint.GitHubLimit(always(retry.Unprocessed))(limit))
	assert.Equal(t, retry.Transient, hint.GitHubLimit(always(retry.Final))(limit))
	assert.Equal(t, retry.Unprocessed, hint.GoogleQuota(always(retry.Unprocessed))(limit))
	assert.Equal(t, retry.Final, hint.GoogleQuota(always(retry.Final))(limit))
}

func TestNoProxyHasNoName(t *testing.T) {
	for _, one := range answers(t, "proxy_status.txt") {
		a := retry.Attempt{Number: 1, Response: one.response(t)}
		assert.NotEqual(t, retry.Unprocessed, hint.ProxyStatus("", nil)(a), one.name)
		assert.NotEqual(t, retry.Unprocessed, hint.ProxyStatus("another", nil)(a), one.name)
	}
}
