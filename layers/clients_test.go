package layers_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	azruntime "github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/elastic/elastic-transport-go/v8/elastictransport"
	"github.com/go-resty/resty/v2"
	vault "github.com/hashicorp/vault/api"
	"github.com/minio/minio-go/v7"
	miniocredentials "github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v82"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"

	"github.com/seed-e3550de8/retry/internal/sdktest"
)

// Each makes a GET or a HEAD, or Stripe's POST with its key.
var clients = []sdktest.Client{
	{Name: "minio-go 7.4.1", Off: "`minio.Options{MaxRetries: 1}`", Call: callMinio},
	{Name: "client-go 0.37.2", Off: "`client.Get().MaxRetries(0)`, for each request", Call: callKubernetes},
	{Name: "azcore 1.24.0", Off: "`policy.RetryOptions{MaxRetries: -1}`", Call: callAzure},
	{Name: "elastic-transport 8.11.0", Off: "`elastictransport.WithDisableRetry()`", Call: callElastic},
	{Name: "vault/api 1.23.0", Off: "`vault.Config{MaxRetries: 0}`", Call: callVault},
	{Name: "aws-sdk-go-v2 s3 1.114.10", Off: "`s3.Options{Retryer: aws.NopRetryer{}}`", Call: callAWS},
	{Name: "stripe-go 82.5.1", Off: "`stripe.BackendConfig{MaxNetworkRetries: stripe.Int64(0)}`", Call: callStripe},
	{Name: "resty 2.17.2, SetRetryCount(2)", Off: "its default", Call: callResty},
}

func callMinio(t *testing.T, ctx context.Context, s sdktest.Site) error {
	o := &minio.Options{Creds: miniocredentials.NewStaticV4("id", "secret", ""), Region: "us-east-1", Transport: s.RT}
	if s.Off {
		o.MaxRetries = 1 // tries in all; 0 is the default, which is 10
	}
	c, err := minio.New(s.Host(), o)
	require.NoError(t, err)
	_, err = c.StatObject(ctx, "bucket", "object", minio.StatObjectOptions{})
	return err
}

// kubernetes returns a client that sends through base, or what wrap makes of it.
func kubernetes(t *testing.T, url string, base http.RoundTripper, wrap func(*rest.Config)) *rest.RESTClient {
	cfg := &rest.Config{Host: url, Transport: base}
	cfg.NegotiatedSerializer = serializer.NewCodecFactory(runtime.NewScheme()).WithoutConversion()
	wrap(cfg)
	c, err := rest.UnversionedRESTClientFor(cfg)
	require.NoError(t, err)
	return c
}

func callKubernetes(t *testing.T, ctx context.Context, s sdktest.Site) error {
	get := kubernetes(t, s.URL, s.RT, func(*rest.Config) {}).Get().AbsPath("/version")
	if s.Off {
		get = get.MaxRetries(0)
	}
	_, err := get.DoRaw(ctx)
	return err
}

func callAzure(t *testing.T, ctx context.Context, s sdktest.Site) error {
	o := &policy.ClientOptions{Transport: &http.Client{Transport: s.RT}}
	if s.Off {
		o.Retry.MaxRetries = -1
	}
	req, err := azruntime.NewRequest(ctx, http.MethodGet, s.URL)
	require.NoError(t, err)
	_, err = azruntime.NewPipeline("layers", "v1.0.0", azruntime.PipelineOptions{}, o).Do(req)
	return err
}

func callElastic(t *testing.T, ctx context.Context, s sdktest.Site) error {
	u, err := url.Parse(s.URL)
	require.NoError(t, err)
	o := []elastictransport.Option{elastictransport.WithURLs(u), elastictransport.WithTransport(s.RT)}
	if s.Off {
		o = append(o, elastictransport.WithDisableRetry())
	}
	c, err := elastictransport.NewClient(o...)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "/_cat/health", nil)
	require.NoError(t, err)
	_, err = c.Perform(req)
	return err
}

func callVault(t *testing.T, ctx context.Context, s sdktest.Site) error {
	cfg := vault.DefaultConfig()
	require.NoError(t, cfg.Error)
	cfg.Address = s.URL
	cfg.HttpClient.Transport = s.RT
	if s.Off {
		cfg.MaxRetries = 0
	}
	c, err := vault.NewClient(cfg)
	require.NoError(t, err)
	_, err = c.Logical().ReadWithContext(ctx, "secret/thing")
	return err
}

func callAWS(_ *testing.T, ctx context.Context, s sdktest.Site) error {
	_, err := awsClient(s).HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String("bucket"), Key: aws.String("key")})
	return err
}

func awsClient(s sdktest.Site) *s3.Client {
	o := s3.Options{
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("id", "secret", ""),
		BaseEndpoint: aws.String(s.URL),
		UsePathStyle: true,
		HTTPClient:   &http.Client{Transport: s.RT},
	}
	if s.Off {
		o.Retryer = aws.NopRetryer{}
	}
	return s3.New(o)
}

func callStripe(_ *testing.T, ctx context.Context, s sdktest.Site) error {
	cfg := &stripe.BackendConfig{
		URL:             stripe.String(s.URL),
		HTTPClient:      &http.Client{Transport: s.RT},
		LeveledLogger:   &stripe.LeveledLogger{Level: stripe.LevelNull},
		EnableTelemetry: stripe.Bool(false),
	}
	if s.Off {
		cfg.MaxNetworkRetries = stripe.Int64(0)
	}
	c := stripe.NewClient("sk_test", stripe.WithBackends(stripe.NewBackendsWithConfig(cfg)))
	_, err := c.V1Customers.Create(ctx, &stripe.CustomerCreateParams{Name: stripe.String("Ada")})
	return err
}

func callResty(_ *testing.T, ctx context.Context, s sdktest.Site) error {
	c := resty.New().SetTransport(s.RT).SetLogger(silent{})
	if !s.Off {
		c.SetRetryCount(2)
	}
	_, err := c.R().SetContext(ctx).Get(s.URL)
	return err
}

type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Warnf(string, ...any)  {}
func (silent) Debugf(string, ...any) {}
