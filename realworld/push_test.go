package realworld_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// pushed is what is carried out when an image of one layer is pushed, and each of more once more. The config is a blob
// too. Until they are pushed, a HEAD of a blob or of the manifest is a 404.
func pushed(more ...string) map[string]int {
	done := map[string]int{
		"ping": 1, "open": 2, "fill layer": 1, "fill config": 1, "commit": 2, "PUT manifest": 1,
	}
	for _, step := range more {
		done[step]++
	}
	return done
}

// push sends an image of one layer of 8 MiB, which is more than the buffers of a connection hold.
func push(t *testing.T, addr string, rt http.RoundTripper, own remote.Option) (v1.Image, error) {
	t.Helper()
	layer := static.NewLayer(payload(8<<20), types.OCIUncompressedLayer)
	image, err := mutate.AppendLayers(empty.Image, layer)
	require.NoError(t, err)
	return image, remote.Write(tag(t, addr), image, remote.WithTransport(rt), remote.WithContext(t.Context()), own)
}

// What is asked by HEAD or PUT is the Transport's to repeat, so that it makes no difference whether the client would.
func TestAPushToARegistryIsRepeatedByTheTransport(t *testing.T) {
	for what, row := range map[string]struct {
		step string
		fault
		requests int
		done     map[string]int
		wait     time.Duration
	}{
		"503 for a question":      {"HEAD blob", busy, 3, pushed(), time.Second},
		"429 for the manifest":    {"PUT manifest", spent, 2, pushed(), time.Second},
		"503 for a commit":        {"commit", busy, 3, pushed(), time.Second},
		"a reset of a commit":     {"commit", resets, 3, pushed(), 0},
		"a reset of the manifest": {"PUT manifest", resets, 2, pushed(), 0},
		"a manifest's answer":     {"PUT manifest", loses, 2, pushed("PUT manifest"), 0},
	} {
		for layers, own := range map[string]remote.Option{"one layer": ownOff, "two": ownOn} {
			t.Run(what+", "+layers, func(t *testing.T) {
				t.Parallel()
				server, addr := newRegistry(t, map[string]fault{row.step: row.fault})
				start := time.Now()
				image, err := push(t, addr, retry.New(through(t, addr), atOnce), own)
				require.NoError(t, err)
				assert.GreaterOrEqual(t, time.Since(start), row.wait)
				server.requireDone(t, row.done)
				assert.Equal(t, row.requests, server.arrived(row.step))
				requirePulled(t, image, addr, through(t, addr), ownOff)
			})
		}
	}
}

// What is asked by POST or PATCH arrives once per try of the client's, and it has to make the upload anew.
func TestAnUploadToARegistryIsRepeatedByTheClient(t *testing.T) {
	for what, row := range map[string]struct {
		step string
		fault
		requests int
		done     map[string]int
	}{
		"503 for an open":               {"open", busy, 3, pushed()},
		"429 for an open":               {"open", spent, 3, pushed()},
		"503 for the layer":             {"fill layer", busy, 2, pushed("open")},
		"429 for the layer":             {"fill layer", spent, 2, pushed("open")},
		"an answer before the layer":    {"fill layer", answersEarly, 2, pushed("open")},
		"a reset in the middle":         {"fill layer", resets, 2, pushed("open")},
		"an open's answer that is lost": {"open", loses, 3, pushed("open")},
		"a layer's answer that is lost": {"fill layer", loses, 2, pushed("open", "fill layer")},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			server, addr := newRegistry(t, map[string]fault{row.step: row.fault})
			image, err := push(t, addr, retry.New(through(t, addr), atOnce), ownOn)
			require.NoError(t, err)
			server.requireDone(t, row.done)
			assert.Equal(t, row.requests, server.arrived(row.step))
			requirePulled(t, image, addr, through(t, addr), ownOff)

			server, addr = newRegistry(t, map[string]fault{row.step: row.fault})
			_, err = push(t, addr, retry.New(through(t, addr), atOnce), ownOff)
			require.Error(t, err)
			assert.Less(t, server.arrived(row.step), row.requests)
			assert.Zero(t, server.arrived("PUT manifest"))
		})
	}
}

// A commit ends its upload, so that the second one, for an answer that is lost, finds none: it is refused for good, and
// neither layer goes on. The client alone asks first, and finds the blob there; so it does if commits are left to it.
func TestACommitToARegistryWhoseAnswerIsLostIsTheClientsToRepeat(t *testing.T) {
	server, addr := newRegistry(t, map[string]fault{"commit": loses})
	_, err := push(t, addr, retry.New(through(t, addr), atOnce), ownOn)
	var refusal *transport.Error
	require.ErrorAs(t, err, &refusal)
	assert.False(t, refusal.Temporary(), refusal)
	assert.Zero(t, server.arrived("PUT manifest"))

	leaves := atOnce
	leaves.Idempotent = func(req *http.Request) bool {
		return !req.URL.Query().Has("digest") && retry.Idempotent(req)
	}
	for _, rt := range []http.RoundTripper{&http.Transport{}, retry.New(&http.Transport{}, leaves)} {
		server, addr := newRegistry(t, map[string]fault{"commit": loses})
		image, err := push(t, addr, rt, ownOn)
		require.NoError(t, err)
		server.requireDone(t, pushed("HEAD blob"))
		assert.Equal(t, 2, server.arrived("commit"))
		requirePulled(t, image, addr, through(t, addr), ownOff)
	}
}

// A misdialer has nobody at the other end for the first POST.
type misdialer struct {
	base   http.RoundTripper
	nobody string
	posts  atomic.Int64
}

func (d *misdialer) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodPost && d.posts.Add(1) == 1 {
		req = req.Clone(req.Context())
		req.URL.Host = d.nobody
	}
	return d.base.RoundTrip(req)
}

func TestAnUploadToARegistryThatFindsNoConnectionIsRepeatedByTheTransport(t *testing.T) {
	server, addr := newRegistry(t, nil)
	base := &misdialer{base: &http.Transport{DisableKeepAlives: true}, nobody: freeAddr(t)}
	_, err := push(t, addr, retry.New(base, atOnce), ownOff)
	require.NoError(t, err)
	server.requireDone(t, pushed())
	assert.EqualValues(t, 3, base.posts.Load())
}
