package layers_test

import (
	"bytes"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/minio/minio-go/v7"
	miniocredentials "github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
	"github.com/seed-e3550de8/retry/internal/sdktest"
)

// uploadsAreTheirs leaves requests with a body to the SDK, which can make the body anew.
var uploadsAreTheirs = retry.Policy{
	Idempotent: func(req *http.Request) bool {
		return (req.Body == nil || req.Body == http.NoBody) && retry.Idempotent(req)
	},
}

func TestUploadsAreLeftToTheSDK(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 100_000)
	for _, tt := range []struct {
		name string
		put  func(*testing.T, sdktest.Site) error
	}{
		{"minio", func(t *testing.T, s sdktest.Site) error {
			c, err := minio.New(s.Host(), &minio.Options{
				Creds: miniocredentials.NewStaticV4("id", "secret", ""), Region: "us-east-1", Transport: s.RT,
			})
			require.NoError(t, err)
			_, err = c.PutObject(t.Context(), "bucket", "key", bytes.NewReader(content), int64(len(content)),
				minio.PutObjectOptions{DisableContentSha256: true})
			return err
		}},
		{"aws", func(t *testing.T, s sdktest.Site) error {
			_, err := awsClient(s).PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: aws.String("bucket"), Key: aws.String("key"), Body: bytes.NewReader(content),
			})
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				faults := []httpfault.Step{httpfault.Status(503).Early(), httpfault.Reset().Early()}
				srv := httpfault.Config{Pipe: true}.NewServer(t, faults...)
				base := srv.Transport()
				defer base.CloseIdleConnections()
				p := uploadsAreTheirs
				p.OnAttempt = func(a retry.Attempt, _ retry.Decision) { assert.Equal(t, 1, a.Number) }
				require.NoError(t, tt.put(t, sdktest.Site{URL: srv.URL, RT: retry.New(base, p).PlainErrors()}))
				requests := srv.Requests()
				require.Len(t, requests, 3)
				assert.True(t, requests[2].Whole)
				assert.GreaterOrEqual(t, requests[2].BodyLength, int64(len(content)))
			})
		})
	}
}

func TestAStripeCallHasOneKeyInBothLayers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := httpfault.Config{Pipe: true, Default: httpfault.Close()}.NewServer(t)
		base := srv.Transport()
		defer base.CloseIdleConnections()
		require.Error(t, callStripe(t, t.Context(), sdktest.Site{URL: srv.URL, RT: retry.New(base, retry.Policy{})}))
		keys := make(map[string]int)
		for _, r := range srv.Requests() {
			keys[r.Header.Get("Idempotency-Key")]++
		}
		assert.Len(t, keys, 1)
		assert.NotContains(t, keys, "")
	})
}
