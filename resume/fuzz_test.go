package resume_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
	"github.com/seed-e3550de8/retry/resume"
)

var (
	scenarios = flag.Int("scenarios", 300, "how many scenarios TestTheReaderGetsTheObjectOrAnError runs")
	firstSeed = flag.Uint64("firstseed", 0, "the seed of its first scenario")
)

// requireHonest runs one scenario. It reports whether the object arrived, and in how many requests.
func requireHonest(t *testing.T, seed uint64) (whole bool, requests int) {
	synctest.Test(t, func(t *testing.T) {
		s := newScenario(seed)
		protocol := protocols[s.rand.IntN(2)]
		server := httpfault.Config{Pipe: true, Protocol: protocol, Default: httpfault.Handle(s)}.NewServer(t)
		var base http.RoundTripper = server.Transport()
		if s.chance(2) {
			base = retry.New(base, retry.Policy{})
		}
		p := resume.Policy{MaxContinuations: s.rand.IntN(10), Identity: s.chance(2)}
		req := request(t, server)
		if s.ranged != "" {
			req.Header.Set("Range", s.ranged)
		}
		resp, err := resume.New(base, p).RoundTrip(req)
		if err != nil {
			return // the header was lost
		}
		got, err := io.ReadAll(resp.Body)
		require.NoError(t, resp.Body.Close())
		want := s.wanted()
		require.LessOrEqual(t, len(got), len(want), "seed %d", seed)
		require.True(t, bytes.Equal(want[:len(got)], got), "seed %d: other bytes, chunked %v", seed, s.chunked)
		require.True(t, err != nil || len(got) == len(want), "seed %d: too few bytes and no error", seed)
		if e, ok := errors.AsType[*resume.Error](err); ok {
			require.ErrorIs(t, err, e.First, "seed %d", seed)
		}
		whole, requests = err == nil, s.count
	})
	return whole, requests
}

func TestTheReaderGetsTheObjectOrAnError(t *testing.T) {
	arrived, continued, requests := 0, 0, 0
	for i := range *scenarios {
		whole, n := requireHonest(t, *firstSeed+uint64(i))
		requests += n
		if whole {
			arrived++
		}
		if whole && n > 1 {
			continued++
		}
	}
	t.Logf("%d scenarios, %d requests: %d objects arrived, %d of them in several responses",
		*scenarios, requests, arrived, continued)
	require.GreaterOrEqual(t, continued, *scenarios/20, "the scenarios are worth something")
}

func FuzzDownload(f *testing.F) {
	for seed := range uint64(10) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { requireHonest(t, seed) })
}

func FuzzContentRange(f *testing.F) {
	for _, value := range []string{"bytes 0-0/1", "bytes 5-9/*", "Bytes 1-2/3", "bytes 9-9223372036854775807/*"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		start, end, total, ok := resume.ContentRange(http.Header{"Content-Range": {value}})
		if !ok {
			return
		}
		require.GreaterOrEqual(t, start, int64(0))
		require.Less(t, start, end)
		if total >= 0 {
			require.LessOrEqual(t, end, total)
		}
		length := "*"
		if total >= 0 {
			length = fmt.Sprint(total)
		}
		again := fmt.Sprintf("bytes %d-%d/%s", start, end-1, length)
		start2, end2, total2, ok := resume.ContentRange(http.Header{"Content-Range": {again}})
		require.True(t, ok)
		require.Equal(t, []int64{start, end, total}, []int64{start2, end2, total2})
	})
}
