package realworld_test

import (
	"bytes"
	"maps"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/resume"
)

var slowDown = answers(http.StatusServiceUnavailable,
	`<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>`)

// newFaultyS3 starts the fake behind a front, with one bucket.
func newFaultyS3(t *testing.T, faults map[string]fault) (*front, string) {
	t.Helper()
	backend := s3mem.New()
	require.NoError(t, backend.CreateBucket("bucket"))
	return newFront(t, gofakes3.New(backend).Server(), stepOfTransfer, faults)
}

// stepOfTransfer is the step of a transfer by parts that a request is.
func stepOfTransfer(r *http.Request) string {
	query := r.URL.Query()
	switch {
	case query.Has("partNumber"):
		return "part " + query.Get("partNumber")
	case query.Has("uploads"):
		return "create"
	case r.Method == http.MethodPost:
		return "complete"
	case query.Has("uploadId"):
		return "abort"
	}
	return r.Method + " " + r.Header.Get("Range")
}

// newTransfer returns a manager of transfers by parts of 5 MiB, five at a time.
func newTransfer(sdk *s3.Client) *transfermanager.Client {
	return transfermanager.New(sdk, func(o *transfermanager.Options) {
		o.PartSizeBytes, o.MultipartUploadThreshold = 5<<20, 5<<20
		o.GetObjectType = types.GetObjectRanges
		o.PartBodyMaxRetries = 1 // tries; the body of a part is resume's to continue
	})
}

func upload(t *testing.T, sdk *s3.Client, content []byte) error {
	t.Helper()
	_, err := newTransfer(sdk).UploadObject(t.Context(), &transfermanager.UploadObjectInput{
		Bucket: aws.String("bucket"),
		Key:    aws.String("object"),
		Body:   bytes.NewReader(content),
	})
	return err
}

// What uploads is made by POST or has a body without GetBody: that is the SDK's to repeat, and one layer does.
func TestAnUploadByPartsIsIntact(t *testing.T) {
	once := map[string]int{"create": 1, "part 1": 1, "part 2": 1, "part 3": 1, "complete": 1}
	partTwice := maps.Clone(once)
	partTwice["part 2"] = 2
	for name, row := range map[string]struct {
		faults map[string]fault
		done   map[string]int
	}{
		"SlowDown":                  {map[string]fault{"part 2": slowDown}, once},
		"a reset in the middle":     {map[string]fault{"part 2": resets}, once},
		"an answer before the body": {map[string]fault{"part 2": answersEarly}, once},
		"an answer that is lost":    {map[string]fault{"part 2": loses}, partTwice},
		"a reset of the last step":  {map[string]fault{"complete": resets}, once},
		"one in each step": {map[string]fault{
			"create": slowDown, "part 1": resets, "part 2": loses, "part 3": answersEarly, "complete": slowDown,
		}, partTwice},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s3, addr := newFaultyS3(t, row.faults)
			var r record
			sdk := newSDK(r.resuming(through(t, addr), resume.Policy{}), addr, 3)
			want := payload(11 << 20)
			require.NoError(t, upload(t, sdk, want))
			s3.requireDone(t, row.done)
			for step := range row.done {
				requests := 1
				if row.faults[step] != nil {
					requests = 2
				}
				assert.Equal(t, requests, s3.arrived(step), step)
			}
			requireSame(t, want, get(t, &http.Client{Transport: through(t, addr)}, "http://"+addr+"/bucket/object"))
		})
	}
}

// A part that fails costs as many requests as the SDK makes attempts. The upload is then given up by a DELETE, which
// the Transport repeats.
func TestAnUploadWhosePartFailsIsAborted(t *testing.T) {
	s3, addr := newFaultyS3(t, map[string]fault{"part 2": slowDown, "abort": slowDown})
	var r record
	sdk := newSDK(r.resuming(through(t, addr), resume.Policy{}), addr, 1)
	require.ErrorContains(t, upload(t, sdk, payload(7<<20)), "SlowDown")
	s3.requireDone(t, map[string]int{"create": 1, "part 1": 1, "abort": 1})
	assert.Equal(t, 1, s3.arrived("part 2"))
	assert.Equal(t, 2, s3.arrived("abort"))
}

// Each part is a GET of a range, which the Transport repeats and continues. The SDK repeats nothing here.
func TestADownloadByPartsIsIntact(t *testing.T) {
	const first, second, third = "GET bytes=0-5242879", "GET bytes=5242880-10485759", "GET bytes=10485760-15728639"
	for name, row := range map[string]struct {
		faults                  map[string]fault
		requests, continuations int
	}{
		"SlowDown, and a reset": {map[string]fault{first: slowDown, third: resets}, 5, 0},
		"broken off":            {map[string]fault{second: breaksOff, third: breaksOff}, 5, 2},
		"one in each part":      {map[string]fault{first: breaksOff, second: slowDown, third: resets}, 6, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s3, addr := newFaultyS3(t, row.faults)
			want := payload(15 << 20)
			require.NoError(t, upload(t, newSDK(&http.Client{Transport: through(t, addr)}, addr, 1), want))
			var r record
			sdk := newSDK(r.resuming(through(t, addr), resume.Policy{}), addr, 1)
			have := types.NewWriteAtBuffer(nil)
			_, err := newTransfer(sdk).DownloadObject(t.Context(), &transfermanager.DownloadObjectInput{
				Bucket:   aws.String("bucket"),
				Key:      aws.String("object"),
				WriterAt: have,
			})
			require.NoError(t, err)
			requireSame(t, want, bytes.NewReader(have.Bytes()))
			assert.Equal(t, row.continuations, r.continuations)
			assert.Equal(t, row.requests, s3.arrived("GET "))
		})
	}
}
