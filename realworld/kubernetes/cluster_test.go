package kubernetes_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

// A cluster is an api with faults in front of it, and a client of it. It is in a bubble, where waits take no time.
type cluster struct {
	*api
	server *httpfault.Server
	client dynamic.ResourceInterface

	attempts sync.Mutex
	numbers  []int // of the attempts
}

// A setup says what a cluster is like.
type setup struct {
	policy  retry.Policy
	wrap    func(*rest.Config) // instead of the policy
	faults  []httpfault.Step   // what the first requests meet
	forever bool               // the last fault stays
}

func (s setup) config(a *api) (httpfault.Config, []httpfault.Step) {
	config := httpfault.Config{Pipe: true, Default: httpfault.Handle(a)}
	if s.forever {
		config.Default = s.faults[len(s.faults)-1]
	}
	return config, s.faults
}

// inBubbles runs a test over HTTP/1 and HTTP/2, with a cluster each.
func (s setup) inBubbles(t *testing.T, test func(*testing.T, *cluster)) {
	t.Helper()
	for _, protocol := range []httpfault.Protocol{httpfault.HTTP1, httpfault.H2C} {
		t.Run(protocol.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &cluster{api: newAPI("a", "b")}
				config, faults := s.config(c.api)
				config.Protocol = protocol
				c.server = config.NewServer(t, faults...)
				base := c.server.Transport()
				defer base.CloseIdleConnections()
				c.client = s.newClient(t, c, base)
				test(t, c)
			})
		})
	}
}

func (s setup) newClient(t *testing.T, c *cluster, base http.RoundTripper) dynamic.ResourceInterface {
	config := &rest.Config{Host: c.server.URL, Transport: base, QPS: -1}
	if s.wrap == nil {
		s.policy.OnAttempt = c.attempt
		s.wrap = func(config *rest.Config) {
			config.Wrap(func(rt http.RoundTripper) http.RoundTripper { return retry.New(rt, s.policy) })
		}
	}
	s.wrap(config)
	client, err := dynamic.NewForConfig(config)
	require.NoError(t, err)
	return client.Resource(configMaps).Namespace("default")
}

func (c *cluster) attempt(a retry.Attempt, _ retry.Decision) {
	c.attempts.Lock()
	defer c.attempts.Unlock()
	c.numbers = append(c.numbers, a.Number)
}

// arrived returns how many requests with a method the server has seen.
func (c *cluster) arrived(method string) (n int) {
	for _, r := range c.server.Requests() {
		if r.Method == method {
			n++
		}
	}
	return n
}
