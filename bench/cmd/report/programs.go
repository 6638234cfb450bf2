package main

import (
	"fmt"
	"strings"
)

// A program sends one request, as the first lines of a library's documentation do.
type program struct {
	name    string
	imports []string
	body    string // statements that end in a resp and an err
}

const (
	plain  = "net/http alone"
	logged = "net/http, a log/slog value" // what a Decision cannot do without that can be logged
)

var programs = []program{
	{plain, nil, `resp, err := (&http.Client{}).Get(os.Args[1])`},
	{"retry", []string{module}, `resp, err := (&http.Client{Transport: retry.New(nil, retry.Policy{})}).Get(os.Args[1])`},
	{logged, []string{"log/slog"},
		`resp, err := (&http.Client{}).Get(os.Args[1])
	fmt.Println(slog.GroupValue(slog.Any("err", err)))`},
	{"rehttp", []string{"github.com/PuerkitoBio/rehttp"},
		`t := rehttp.NewTransport(nil, rehttp.RetryMaxRetries(3), rehttp.ExpJitterDelay(1, 2))
	resp, err := (&http.Client{Transport: t}).Get(os.Args[1])`},
	{"go-retryablehttp", []string{"github.com/hashicorp/go-retryablehttp"},
		`resp, err := retryablehttp.NewClient().StandardClient().Get(os.Args[1])`},
	{"failsafehttp", []string{"github.com/failsafe-go/failsafe-go/failsafehttp"},
		`t := failsafehttp.NewRoundTripper(nil, failsafehttp.NewRetryPolicyBuilder().Build())
	resp, err := (&http.Client{Transport: t}).Get(os.Args[1])`},
	{"heimdall", []string{"github.com/gojek/heimdall/v7/httpclient"},
		`resp, err := httpclient.NewClient(httpclient.WithRetryCount(3)).Get(os.Args[1], nil)`},
	{"resty-v2", []string{"github.com/go-resty/resty/v2"},
		`resp, err := resty.New().SetRetryCount(3).R().Get(os.Args[1])`},
	{"resty-v3", []string{"resty.dev/v3"},
		`resp, err := resty.New().SetRetryCount(3).R().Get(os.Args[1])`},
	{"hedgedhttp", []string{"github.com/cristalhq/hedgedhttp"},
		`client, _ := hedgedhttp.NewClient(1, 3, nil)
	resp, err := client.Get(os.Args[1])`},
	{"azcore", []string{"context", "github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"},
		`req, _ := runtime.NewRequest(context.Background(), http.MethodGet, os.Args[1])
	resp, err := runtime.NewPipeline("a", "b", runtime.PipelineOptions{}, nil).Do(req)`},
}

// source is the whole program. Without an argument it ends at once.
func (p program) source() string {
	var imports strings.Builder
	for _, path := range p.imports {
		fmt.Fprintf(&imports, "\t%q\n", path)
	}
	return fmt.Sprintf(`package main

import (
	"fmt"
	"net/http"
	"os"

%s)

var _ = http.MethodGet

func main() {
	if len(os.Args) < 2 {
		return
	}
	%s
	fmt.Println(resp, err)
}
`, imports.String(), p.body)
}
