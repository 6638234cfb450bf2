package httpfault_test

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/seed-e3550de8/retry/httpfault"
)

// fetch prints what comes of a GET.
func fetch(client *http.Client, url string) {
	resp, err := client.Get(url)
	if err != nil {
		fmt.Println("error:", errors.Unwrap(err))
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Printf("%s %q %v\n", resp.Status, body, err)
}

func Example() {
	srv := httpfault.NewServer(nil, // in a test: t
		httpfault.Status(503).RetryAfter(time.Second).Body("busy"),
		httpfault.OK("hello"),
	)
	defer srv.Close() // in a test: not needed

	fetch(srv.Client(), srv.URL+"/greeting")
	fetch(srv.Client(), srv.URL+"/greeting")
	fmt.Println(len(srv.Requests()), "requests")
	// Output:
	// 503 Service Unavailable "busy" <nil>
	// 200 OK "hello" <nil>
	// 2 requests
}

func ExampleServer_On() {
	srv := httpfault.NewServer(nil)
	defer srv.Close()
	srv.On("/token", httpfault.Status(429), httpfault.OK("secret"))
	srv.On("/data", httpfault.OK("data"))

	fetch(srv.Client(), srv.URL+"/data")
	fetch(srv.Client(), srv.URL+"/token")
	fetch(srv.Client(), srv.URL+"/token")
	// Output:
	// 200 OK "data" <nil>
	// 429 Too Many Requests "" <nil>
	// 200 OK "secret" <nil>
}

func ExampleServer_Requests() {
	srv := httpfault.NewServer(nil, httpfault.Status(201))
	defer srv.Close()

	resp, err := srv.Client().Post(srv.URL+"/items?dry=1", "text/plain", strings.NewReader("one item"))
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	for _, r := range srv.Requests() {
		fmt.Println(r.Number, r.Method, r.Path, r.Query, r.Header.Get("Content-Type"))
		fmt.Println(string(r.Body), r.BodyLength, r.Whole, r.SHA256[:8])
	}
	// Output:
	// 1 POST /items dry=1 text/plain
	// one item 8 true 195ab644
}

func ExampleReset() {
	srv := httpfault.NewServer(nil, httpfault.Reset())
	defer srv.Close()

	_, err := srv.Client().Get(srv.URL)
	fmt.Println(errors.Is(err, syscall.ECONNRESET))
	// Output: true
}

func ExampleStep_CutBody() {
	srv := httpfault.NewServer(nil, httpfault.OK("hello, world").CutBody(5))
	defer srv.Close()

	fetch(srv.Client(), srv.URL)
	// Output: 200 OK "hello" unexpected EOF
}

func ExampleStep_RetryAfterDate() {
	// A server whose clock is a day ahead asks for half a minute.
	srv := httpfault.NewServer(nil, httpfault.Status(503).
		RetryAfterDate(30*time.Second, httpfault.RFC850).Clock(24*time.Hour))
	defer srv.Close()

	resp, err := srv.Client().Get(srv.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	date, _ := http.ParseTime(resp.Header.Get("Date"))
	after, _ := http.ParseTime(resp.Header.Get("Retry-After"))
	fmt.Println(after.Sub(date))
	// Output: 30s
}

func ExampleRefuse() {
	srv := httpfault.NewServer(nil, httpfault.Refuse(), httpfault.OK("hello"))
	defer srv.Close()

	_, err := srv.Client().Get(srv.URL)
	fmt.Println(errors.Is(err, syscall.ECONNREFUSED))
	fetch(srv.Client(), srv.URL)
	// Output:
	// true
	// 200 OK "hello" <nil>
}

func ExampleRSTStream() {
	srv := httpfault.Config{Protocol: httpfault.HTTP2}.NewServer(nil,
		httpfault.RSTStream(httpfault.EnhanceYourCalm), httpfault.OK("hello"))
	defer srv.Close()

	fetch(srv.Client(), srv.URL)
	fetch(srv.Client(), srv.URL)
	// Output:
	// error: stream error: stream ID 1; ENHANCE_YOUR_CALM; received from peer
	// 200 OK "hello" <nil>
}

func ExampleTLSExpired() {
	srv := httpfault.Config{Protocol: httpfault.HTTPS}.NewServer(nil, httpfault.TLSExpired())
	defer srv.Close()

	_, err := srv.Client().Get(srv.URL)
	var invalid x509.CertificateInvalidError
	fmt.Println(errors.As(err, &invalid), invalid.Reason == x509.Expired)
	// Output: true true
}

func ExampleHandleFunc() {
	srv := httpfault.NewServer(nil,
		httpfault.HandleFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "you asked for %s", r.URL.Path)
		}),
	)
	defer srv.Close()

	fetch(srv.Client(), srv.URL+"/a")
	// Output: 200 OK "you asked for /a" <nil>
}
