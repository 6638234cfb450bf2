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
)

// A client makes a call of an SDK's: a GET or a HEAD, or Stripe's POST with its key.
type client struct {
	name string
	off  string // how its own retries are switched off
	call func(t *testing.T, ctx context.Context, s site) error
}

// A site is what a call is made with.
type site struct {
	url string
	rt  http.RoundTripper
	off bool // the SDK's own retries are
}

func (s site) host() string {
	u, err := url.Parse(s.url)
	if err != nil {
		panic(err)
	}
	return u.Host
}

var clients = []client{
	{"minio-go 7.4.1", "`minio.Options{MaxRetries: 1}`", callMinio},
	{"client-go 0.37.2", "`client.Get().MaxRetries(0)`, for each request", callKubernetes},
	{"azcore 1.24.0", "`policy.RetryOptions{MaxRetries: -1}`", callAzure},
	{"elastic-transport 8.11.0", "`elastictransport.WithDisableRetry()`", callElastic},
	{"vault/api 1.23.0", "`vault.Config{MaxRetries: 0}`", callVault},
	{"aws-sdk-go-v2 s3 1.114.10", "`s3.Options{Retryer: aws.NopRetryer{}}`", callAWS},
	{"stripe-go 82.5.1", "`stripe.BackendConfig{MaxNetworkRetries: stripe.Int64(0)}`", callStripe},
	{"resty 2.17.2, SetRetryCount(2)", "its default", callResty},
}

func callMinio(t *testing.T, ctx context.Context, s site) error {
	o := &minio.Options{Creds: miniocredentials.NewStaticV4("id", "secret", ""), Region: "us-east-1", Transport: s.rt}
	if s.off {
		o.MaxRetries = 1 // tries in all; 0 is the default, which is 10
	}
	c, err := minio.New(s.host(), o)
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

func callKubernetes(t *testing.T, ctx context.Context, s site) error {
	get := kubernetes(t, s.url, s.rt, func(*rest.Config) {}).Get().AbsPath("/version")
	if s.off {
		get = get.MaxRetries(0)
	}
	_, err := get.DoRaw(ctx)
	return err
}

func callAzure(t *testing.T, ctx context.Context, s site) error {
	o := &policy.ClientOptions{Transport: &http.Client{Transport: s.rt}}
	if s.off {
		o.Retry.MaxRetries = -1
	}
	req, err := azruntime.NewRequest(ctx, http.MethodGet, s.url)
	require.NoError(t, err)
	_, err = azruntime.NewPipeline("layers", "v1.0.0", azruntime.PipelineOptions{}, o).Do(req)
	return err
}

func callElastic(t *testing.T, ctx context.Context, s site) error {
	u, err := url.Parse(s.url)
	require.NoError(t, err)
	o := []elastictransport.Option{elastictransport.WithURLs(u), elastictransport.WithTransport(s.rt)}
	if s.off {
		o = append(o, elastictransport.WithDisableRetry())
	}
	c, err := elastictransport.NewClient(o...)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "/_cat/health", nil)
	require.NoError(t, err)
	_, err = c.Perform(req)
	return err
}

func callVault(t *testing.T, ctx context.Context, s site) error {
	cfg := vault.DefaultConfig()
	require.NoError(t, cfg.Error)
	cfg.Address = s.url
	cfg.HttpClient.Transport = s.rt
	if s.off {
		cfg.MaxRetries = 0
	}
	c, err := vault.NewClient(cfg)
	require.NoError(t, err)
	_, err = c.Logical().ReadWithContext(ctx, "secret/thing")
	return err
}

func callAWS(_ *testing.T, ctx context.Context, s site) error {
	_, err := awsClient(s).HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String("bucket"), Key: aws.String("key")})
	return err
}

func awsClient(s site) *s3.Client {
	o := s3.Options{
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("id", "secret", ""),
		BaseEndpoint: aws.String(s.url),
		UsePathStyle: true,
		HTTPClient:   &http.Client{Transport: s.rt},
	}
	if s.off {
		o.Retryer = aws.NopRetryer{}
	}
	return s3.New(o)
}

func callStripe(_ *testing.T, ctx context.Context, s site) error {
	cfg := &stripe.BackendConfig{
		URL:             stripe.String(s.url),
		HTTPClient:      &http.Client{Transport: s.rt},
		LeveledLogger:   &stripe.LeveledLogger{Level: stripe.LevelNull},
		EnableTelemetry: stripe.Bool(false),
	}
	if s.off {
		cfg.MaxNetworkRetries = stripe.Int64(0)
	}
	c := stripe.NewClient("sk_test", stripe.WithBackends(stripe.NewBackendsWithConfig(cfg)))
	_, err := c.V1Customers.Create(ctx, &stripe.CustomerCreateParams{Name: stripe.String("Ada")})
	return err
}

func callResty(_ *testing.T, ctx context.Context, s site) error {
	c := resty.New().SetTransport(s.rt).SetLogger(silent{})
	if !s.off {
		c.SetRetryCount(2)
	}
	_, err := c.R().SetContext(ctx).Get(s.url)
	return err
}

type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Warnf(string, ...any)  {}
func (silent) Debugf(string, ...any) {}
