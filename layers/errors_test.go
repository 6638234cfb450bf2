package layers_test

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

func wrap(cfg *rest.Config) {
	cfg.Wrap(func(rt http.RoundTripper) http.RoundTripper { return retry.New(rt, retry.Policy{}) })
}

func wrapPlainly(cfg *rest.Config) {
	cfg.Wrap(func(rt http.RoundTripper) http.RoundTripper {
		return retry.New(rt, retry.Policy{}).PlainErrors()
	})
}

func TestClientGoComesThroughFiveEOFsWithPlainErrors(t *testing.T) {
	for _, tt := range []struct {
		name string
		wrap func(*rest.Config)
		ok   bool
	}{
		{"bare", func(*rest.Config) {}, true},
		{"with an Error", wrap, false},
		{"with plain errors", wrapPlainly, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				served := 0
				answer := httpfault.HandleFunc(func(w http.ResponseWriter, _ *http.Request) {
					if served++; served <= 5 {
						panic(http.ErrAbortHandler)
					}
					_, _ = io.WriteString(w, "{}")
				})
				srv := httpfault.Config{Pipe: true, Default: answer}.NewServer(t)
				base := srv.Transport()
				defer base.CloseIdleConnections()
				body, err := kubernetes(t, srv.URL, base, tt.wrap).Get().AbsPath("/version").DoRaw(t.Context())
				if !tt.ok {
					require.Error(t, err)
					return
				}
				require.NoError(t, err)
				assert.Equal(t, "{}", string(body))
			})
		})
	}
}

func TestMinioKnowsThatAHostIsDownByPlainErrors(t *testing.T) {
	for _, tt := range []struct {
		wrap func(*retry.Transport) http.RoundTripper
		down bool
	}{
		{(*retry.Transport).PlainErrors, true},
		{func(tr *retry.Transport) http.RoundTripper { return tr }, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := httpfault.Config{Pipe: true, Default: httpfault.Reset()}.NewServer(t)
			base := srv.Transport()
			defer base.CloseIdleConnections()
			client := &http.Client{Transport: tt.wrap(retry.New(base, retry.Policy{}))}
			_, err := client.Get(srv.URL)
			assert.Equal(t, tt.down, minio.IsNetworkOrHostDown(err, false), err)
		})
	}
}
