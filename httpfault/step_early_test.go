package httpfault_test

import (
	"io"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/httpfault"
)

func TestAnEarlyAnswerLeavesTheBodyUnread(t *testing.T) {
	everywhere(t, protocols, func(t *testing.T, cfg httpfault.Config) {
		tooBig := httpfault.Status(413).Body("too big")
		for _, st := range []httpfault.Step{tooBig, tooBig.Chunked()} {
			srv := cfg.NewServer(t, st.Early())
			never, w := io.Pipe() // a body of which nothing comes
			resp, err := srv.Client().Post(srv.URL, "text/plain", never)
			require.NoError(t, err)
			w.Close()
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			resp.Body.Close()
			assert.Equal(t, "too big", string(body))
			r := srv.Requests()[0]
			assert.Zero(t, r.BodyLength)
			assert.False(t, r.Whole)
		}
	})
}

func TestEarlyThenReadAnswersFirst(t *testing.T) {
	bubble(t, protocols, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.OK("ready").EarlyThenRead())
		late, w := io.Pipe()
		resp, err := srv.Client().Post(srv.URL, "text/plain", late)
		require.NoError(t, err)
		io.WriteString(w, "content")
		w.Close()
		synctest.Wait()
		r := srv.Requests()[0]
		assert.True(t, r.Whole)
		assert.Equal(t, "content", string(r.Body))
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.Equal(t, "ready", string(body))
		resp.Body.Close()
	})
}
