package bench

import (
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

var azPipeline = Contender{
	Name:   "azcore",
	Module: "github.com/Azure/azure-sdk-for-go/sdk/azcore",
	Note:   "the whole pipeline without telemetry; waits a nanosecond, as a delay of none means its longest one",
	New: func(base http.RoundTripper, s Setup) http.RoundTripper {
		wait := max(s.Wait, time.Nanosecond)
		pipeline := runtime.NewPipeline("bench", "v1", runtime.PipelineOptions{}, &policy.ClientOptions{
			Transport: transporter{base},
			Telemetry: policy.TelemetryOptions{Disabled: true},
			Retry:     policy.RetryOptions{MaxRetries: int32(s.Retries), RetryDelay: wait, MaxRetryDelay: wait},
		})
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			r, err := runtime.NewRequestFromRequest(req)
			if err != nil {
				return nil, err
			}
			runtime.SkipBodyDownload(r)
			return pipeline.Do(r)
		})
	},
}

type transporter struct{ base http.RoundTripper }

func (t transporter) Do(req *http.Request) (*http.Response, error) { return t.base.RoundTrip(req) }
