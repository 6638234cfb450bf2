package kubernetes_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

// recommended leaves to client-go what the server asks to repeat.
var recommended = retry.Policy{MaxRetryAfter: -1}

func wrapAsRecommended(cfg *rest.Config) {
	cfg.Wrap(func(rt http.RoundTripper) http.RoundTripper {
		return retry.New(rt, retry.Policy{MaxRetryAfter: -1}).PlainErrors()
	})
}

func TestThePageSaysHowManyRequestsAServerGets(t *testing.T) {
	page, err := os.ReadFile("../../docs/layers.md")
	require.NoError(t, err)
	for _, fault := range []struct {
		name string
		step httpfault.Step
	}{
		{"429 with Retry-After", httpfault.Status(429).RetryAfter(time.Second)},
		{"503 with Retry-After", httpfault.Status(503).RetryAfter(time.Second)},
		{"503 without one", httpfault.Status(503)},
		{"closed without an answer", httpfault.Close()},
		{"reset", httpfault.Reset()},
	} {
		for _, calls := range []string{"list, watch", "update", "create"} {
			row := fmt.Sprintf("| %s | %s |", calls, fault.name)
			for _, s := range []setup{
				{policy: alone},
				{},
				{policy: retry.Policy{Budget: retry.Unlimited}},
				{wrap: wrapAsRecommended},
			} {
				s.faults, s.forever = []httpfault.Step{fault.step}, true
				row += fmt.Sprintf(" %d |", s.requests(t, calls))
			}
			if !strings.Contains(string(page), "\n"+row+"\n") {
				t.Errorf("docs/layers.md lacks the row:\n%s", row)
			}
		}
	}
}

// requests returns how many requests a call takes until client-go gives up; all the calls, over both protocols.
func (s setup) requests(t *testing.T, calls string) (n int) {
	for _, call := range strings.Split(calls, ", ") {
		s.inBubbles(t, func(t *testing.T, c *cluster) {
			c.call(t.Context(), call)
			have := len(c.server.Requests())
			assert.True(t, n == 0 || n == have, "%d and %d requests", n, have)
			n = have
		})
	}
	return n
}

func (c *cluster) call(ctx context.Context, call string) {
	switch call {
	case "list":
		_, _ = c.client.List(ctx, metav1.ListOptions{})
	case "watch":
		_, _ = c.client.Watch(ctx, metav1.ListOptions{})
	case "update":
		_, _ = c.client.Update(ctx, newMap("a", "new"), metav1.UpdateOptions{})
	case "create":
		_, _ = c.client.Create(ctx, newMap("c", "new"), metav1.CreateOptions{})
	}
}
