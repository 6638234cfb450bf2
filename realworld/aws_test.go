package realworld_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsretry "github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/resume"
)

// newS3 starts the fake, with one bucket, and returns its address.
func newS3(t *testing.T, r *record) string {
	t.Helper()
	backend := s3mem.New()
	require.NoError(t, backend.CreateBucket("bucket"))
	server := httptest.NewServer(r.watch(gofakes3.New(backend).Server()))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// newSDK returns a client of the AWS SDK that makes so many attempts by itself, one after the other.
func newSDK(client *http.Client, addr string, attempts int) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String("http://" + addr),
		UsePathStyle: true,
		Region:       "eu-west-1",
		Credentials:  credentials.NewStaticCredentialsProvider("id", "secret", ""),
		HTTPClient:   client,
		Retryer: awsretry.NewStandard(func(o *awsretry.StandardOptions) {
			o.MaxAttempts = attempts
			o.Backoff = awsretry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	})
}

// The SDK wraps the file, and gives no GetBody: that upload is the SDK's to repeat. A download is the Transport's to
// repeat and to continue, and the SDK notices nothing.
func TestAnObjectOfTheAWSSDKIsIntactThereAndBack(t *testing.T) {
	for name, row := range map[string]struct {
		attempts, puts int
		succeeds       bool
	}{
		"the SDK repeats nothing": {1, 1, false},
		"the SDK repeats":         {3, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			var r record
			addr := newS3(t, &r)
			want := payload(8 << 20)
			cut := newToxic(t, addr, up("limit_data", `"bytes":3145728`))
			err := putFile(t, newSDK(r.resuming(through(t, cut, addr), resume.Policy{}), addr, row.attempts), want)
			r.requireServed(t, http.MethodPut, row.puts)
			if !row.succeeds {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)

			sdk := newSDK(r.resuming(through(t, newToxic(t, addr, limit3MiB)), resume.Policy{}), addr, 1)
			object := &s3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String("object")}
			out, err := sdk.GetObject(t.Context(), object)
			require.NoError(t, err)
			defer out.Body.Close()
			requireSame(t, want, out.Body)
			assert.Equal(t, 2, r.continuations)
			r.requireServed(t, http.MethodGet, 3)
		})
	}
}

func putFile(t *testing.T, sdk *s3.Client, content []byte) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "object")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	_, err = sdk.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("bucket"),
		Key:    aws.String("object"),
		Body:   file,
	})
	return err
}
