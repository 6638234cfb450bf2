package retrytest_test

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/retrytest"
)

func TestSmoke(t *testing.T) {
	for _, pipe := range []bool{false, true} {
		for p := retrytest.HTTP1; p <= retrytest.HTTP2; p++ {
			srv := retrytest.Config{Pipe: pipe, Protocol: p}.NewServer(t,
				retrytest.Status(503).Body("busy"),
				retrytest.OK("hello").Times(2))
			for _, want := range []string{"busy", "hello", "hello", ""} {
				resp, err := srv.Client().Get(srv.URL + "/a?b")
				require.NoError(t, err)
				b, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				require.Equal(t, want, string(b))
				resp.Body.Close()
			}
			require.Len(t, srv.Requests(), 4)
			require.Equal(t, 1, srv.Connections())
			t.Log(srv.Requests()[3])
		}
	}
}
