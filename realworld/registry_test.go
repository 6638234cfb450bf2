package realworld_test

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/resume"
)

// The tries of go-containerregistry. It repeats the upload of a blob from its start: it asks whether the blob is there,
// and opens, fills and commits an upload anew. It reads no Retry-After.
var (
	ownOff = remote.WithRetryBackoff(remote.Backoff{Steps: 1})
	ownOn  = remote.WithRetryBackoff(remote.Backoff{Duration: time.Millisecond, Factor: 1, Steps: 3})
)

var (
	busy  = asksForASecond(http.StatusServiceUnavailable)
	spent = asksForASecond(http.StatusTooManyRequests)
)

func asksForASecond(status int) fault {
	return func(w http.ResponseWriter, r *http.Request, server http.Handler) {
		w.Header().Set("Retry-After", "1")
		answers(status, "")(w, r, server)
	}
}

// stepOfImage tells what a request is for.
func stepOfImage(r *http.Request) string {
	switch {
	case r.URL.Path == "/v2/":
		return "ping"
	case r.Method == http.MethodPost:
		return "open"
	case r.Method == http.MethodPatch && r.ContentLength > 1<<20:
		return "fill layer"
	case r.Method == http.MethodPatch:
		return "fill config"
	case strings.Contains(r.URL.Path, "/blobs/uploads/"):
		return "commit"
	case strings.Contains(r.URL.Path, "/manifests/"):
		return r.Method + " manifest"
	}
	return r.Method + " blob"
}

// newRegistry starts a registry behind a front. It has strong ETags and understands every range, as distribution does.
func newRegistry(t *testing.T, faults map[string]fault) (*front, string) {
	t.Helper()
	quiet := registry.Logger(log.New(io.Discard, "", 0))
	return newFront(t, withETag(withEnd(registry.New(quiet))), stepOfImage, faults)
}

func tag(t *testing.T, addr string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(addr + "/there:latest")
	require.NoError(t, err)
	return ref
}

// requirePulled demands that the registry has the image, byte for byte.
func requirePulled(t *testing.T, want v1.Image, addr string, rt http.RoundTripper, own remote.Option) {
	t.Helper()
	have, err := remote.Image(tag(t, addr), remote.WithTransport(rt), remote.WithContext(t.Context()), own)
	require.NoError(t, err)
	wantDigest, err := want.Digest()
	require.NoError(t, err)
	haveDigest, err := have.Digest()
	require.NoError(t, err)
	require.Equal(t, wantDigest, haveDigest)
	requireSame(t, compressed(t, want), bytes.NewReader(compressed(t, have)))
	wantConfig, err := want.RawConfigFile()
	require.NoError(t, err)
	haveConfig, err := have.RawConfigFile()
	require.NoError(t, err)
	require.Equal(t, wantConfig, haveConfig)
}

// compressed is what an image's only layer consists of. It computes the digest of one that is pulled.
func compressed(t *testing.T, image v1.Image) []byte {
	t.Helper()
	layers, err := image.Layers()
	require.NoError(t, err)
	require.Len(t, layers, 1)
	body, err := layers[0].Compressed()
	require.NoError(t, err)
	defer body.Close()
	content, err := io.ReadAll(body)
	require.NoError(t, err)
	return content
}

func TestAPullFromARegistryIsRepeatedAndContinued(t *testing.T) {
	for what, row := range map[string]struct {
		manifest, layer fault
		continuations   int
	}{
		"503 and 429":       {busy, spent, 0},
		"a layer in halves": {resets, breaksOff, 1},
	} {
		for layers, own := range map[string]remote.Option{"one layer": ownOff, "two": ownOn} {
			t.Run(what+", "+layers, func(t *testing.T) {
				t.Parallel()
				server, addr := newRegistry(t, map[string]fault{"GET manifest": row.manifest, "GET blob": row.layer})
				image, err := push(t, addr, through(t, addr), ownOff)
				require.NoError(t, err)
				var r record
				requirePulled(t, image, addr, r.resuming(through(t, addr), resume.Policy{}).Transport, own)
				assert.Equal(t, row.continuations, r.continuations)
				assert.Equal(t, 2, server.arrived("GET manifest"))
				assert.Equal(t, 3, server.arrived("GET blob"), "the layer twice, and the config")
			})
		}
	}
}

// Both layers repeat a read, so that it is made tries times attempts, as far as the budget goes.
func TestARegistryThatIsDownIsAskedByBothLayers(t *testing.T) {
	once := retry.Policy{Backoff: retry.Constant(0), MaxAttempts: 1}
	unlimited := retry.Policy{Backoff: retry.Constant(0), Budget: retry.Unlimited}
	for what, row := range map[string]struct {
		policy   retry.Policy
		own      remote.Option
		requests int
	}{
		"its own": {once, ownOn, 3}, "both": {atOnce, ownOn, 8}, "both, Unlimited": {unlimited, ownOn, 12},
		"its own switched off": {atOnce, ownOff, 4},
	} {
		t.Run(what, func(t *testing.T) {
			down := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if stepOfImage(r) != "ping" {
					w.WriteHeader(http.StatusServiceUnavailable)
				}
			})
			server, addr := newFront(t, down, stepOfImage, nil)
			rt := remote.WithTransport(retry.New(through(t, addr), row.policy))
			_, err := remote.Image(tag(t, addr), rt, row.own, remote.WithContext(t.Context()))
			require.Error(t, err)
			assert.Equal(t, row.requests, server.arrived("GET manifest"))
		})
	}
}
