package more_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/storage"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	googleoption "google.golang.org/api/option"

	"github.com/seed-e3550de8/retry/httpfault"
	"github.com/seed-e3550de8/retry/internal/sdktest"
)

// Each makes a GET.
var clients = []sdktest.Client{
	{Name: "openai-go 3.98.0", Off: "`option.WithMaxRetries(0)`", Call: callOpenAI},
	{
		Name: "cloud.google.com/go/storage 1.70.0, WithMaxAttempts(3)",
		Off:  "`client.SetRetry(storage.WithPolicy(storage.RetryNever))`",
		Call: func(t *testing.T, ctx context.Context, s sdktest.Site) error {
			return callStorage(t, ctx, s, storage.WithMaxAttempts(3))
		},
	},
}

func callOpenAI(_ *testing.T, ctx context.Context, s sdktest.Site) error {
	o := []option.RequestOption{
		option.WithBaseURL(s.URL),
		option.WithAPIKey("key"),
		option.WithHTTPClient(&http.Client{Transport: s.RT}),
	}
	if s.Off {
		o = append(o, option.WithMaxRetries(0))
	}
	c := openai.NewClient(o...)
	_, err := c.Models.Get(ctx, "model")
	return err
}

func callStorage(t *testing.T, ctx context.Context, s sdktest.Site, more ...storage.RetryOption) error {
	client, err := storage.NewClient(ctx, googleoption.WithEndpoint(s.URL),
		googleoption.WithoutAuthentication(), googleoption.WithHTTPClient(&http.Client{Transport: s.RT}))
	require.NoError(t, err)
	client.SetRetry(more...)
	if s.Off {
		client.SetRetry(storage.WithPolicy(storage.RetryNever))
	}
	_, err = client.Bucket("bucket").Object("object").Attrs(ctx)
	return err
}

func TestTheTableIsWhatArrivesAtADeadServer(t *testing.T) {
	page, source := sdktest.Read(t, "../../docs/layers.md"), sdktest.Read(t, "more_test.go")
	for _, c := range clients {
		t.Run(c.Name, func(t *testing.T) {
			c.Row(t, page)
			assert.Equal(t, 2, strings.Count(source, strings.Trim(c.Off, "`")), "in the row and in the call")
		})
	}
}

func TestCloudStorageByItselfTriesUntilTheContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := httpfault.Config{Pipe: true, Default: httpfault.Close()}.NewServer(t)
		base := srv.Transport()
		defer base.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		require.ErrorIs(t, callStorage(t, ctx, sdktest.Site{URL: srv.URL, RT: base}), context.DeadlineExceeded)
		assert.Equal(t, time.Hour, time.Since(start))
		assert.Greater(t, len(srv.Requests()), 100, "it waits up to half a minute between two tries")
	})
}
