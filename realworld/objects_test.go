package realworld_test

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/resume"
)

// The upload is a file without GetBody, whose first connection is reset in the middle; each download's breaks off.
func TestAnObjectOfS3IsIntactThereAndBack(t *testing.T) {
	var r record
	addr := newS3(t, &r)
	want := payload(8 << 20)
	path := filepath.Join(t.TempDir(), "object")
	require.NoError(t, os.WriteFile(path, want, 0o600))
	file, err := os.Open(path)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+addr+"/bucket/object", file)
	require.NoError(t, err)
	req.ContentLength = int64(len(want))
	cut := newToxic(t, addr, up("limit_data", `"bytes":3145728`))
	resp, err := r.resuming(through(t, cut, addr), resume.Policy{}).Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, []string{"error", "OK"}, r.attempts)

	client := r.resuming(through(t, newToxic(t, addr, limit3MiB)), resume.Policy{})
	requireSame(t, want, get(t, client, "http://"+addr+"/bucket/object"))
	assert.Equal(t, 2, r.continuations)
	r.requireServed(t, http.MethodPut, 2)
	r.requireServed(t, http.MethodGet, 3)
}

// This registry has no ETag, and understands no range without an end. Others have the digest as ETag, and understand
// every range, as distribution does: that is what the front makes of this one.
func TestALayerOfARegistryIsContinuedIfItHasAnETag(t *testing.T) {
	for what, row := range map[string]struct {
		front         func(http.Handler) http.Handler
		continuations int
		errs          []error
	}{
		"as it is":     {func(h http.Handler) http.Handler { return h }, 0, []error{io.ErrUnexpectedEOF}},
		"with an ETag": {withETag, 1, []error{io.ErrUnexpectedEOF, resume.ErrRefused}},
		"with both":    {func(h http.Handler) http.Handler { return withETag(withEnd(h)) }, 2, nil},
	} {
		t.Run(what, func(t *testing.T) {
			var r record
			quiet := registry.Logger(log.New(io.Discard, "", 0))
			server := httptest.NewServer(r.watch(row.front(registry.New(quiet))))
			t.Cleanup(server.Close)
			addr := server.Listener.Addr().String()
			layer := pushLayer(t, addr)
			before := r.count(&r.served, http.MethodGet)
			have, err := pullLayer(t, &r, addr, layer)
			for _, want := range row.errs {
				require.ErrorIs(t, err, want)
			}
			assert.Equal(t, row.continuations, r.continuations)
			assert.Equal(t, 2+row.continuations, r.count(&r.served, http.MethodGet)-before, "with a ping")
			if len(row.errs) > 0 {
				return
			}
			require.NoError(t, err)
			want, err := layer.Compressed()
			require.NoError(t, err)
			defer want.Close()
			requireSame(t, have, want)
		})
	}
}

func withETag(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"`+filepath.Base(r.URL.Path)+`"`)
		h.ServeHTTP(w, r)
	})
}

// withEnd gives a range its end, which the registry wants to be told.
func withEnd(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wanted := r.Header.Get("Range"); strings.HasSuffix(wanted, "-") {
			head := httptest.NewRecorder()
			h.ServeHTTP(head, httptest.NewRequest(http.MethodHead, r.URL.Path, nil))
			size, _ := strconv.Atoi(head.Header().Get("Content-Length"))
			r.Header.Set("Range", wanted+strconv.Itoa(size-1))
		}
		h.ServeHTTP(w, r)
	})
}

func pushLayer(t *testing.T, addr string) v1.Layer {
	t.Helper()
	layer, err := random.Layer(8<<20, "application/vnd.oci.image.layer.v1.tar")
	require.NoError(t, err)
	repository, err := name.NewRepository(addr + "/there")
	require.NoError(t, err)
	base := remote.WithTransport(through(t, addr))
	require.NoError(t, remote.WriteLayer(repository, layer, base, remote.WithContext(t.Context())))
	return layer
}

// pullLayer fetches the layer through connections that break off after 3 MiB each.
func pullLayer(t *testing.T, r *record, addr string, layer v1.Layer) ([]byte, error) {
	t.Helper()
	digest, err := layer.Digest()
	require.NoError(t, err)
	ref, err := name.NewDigest(addr + "/there@" + digest.String())
	require.NoError(t, err)
	client := r.resuming(through(t, newToxic(t, addr, limit3MiB)), resume.Policy{})
	remoteLayer, err := remote.Layer(ref, remote.WithTransport(client.Transport), remote.WithContext(t.Context()))
	require.NoError(t, err)
	body, err := remoteLayer.Compressed()
	require.NoError(t, err)
	defer body.Close()
	var have bytes.Buffer
	_, err = io.Copy(&have, body)
	return have.Bytes(), err
}
