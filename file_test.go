package retry_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

// uploadSize is how much the tests of files upload. From large on, it is certainly more than the buffers of a
// connection hold, so that the first attempt still reads when the second begins.
var uploadSize = flag.Int64("upload", 1<<20, "how many bytes the tests of files upload; all combinations from 3 MiB on")

const large = 3 << 20

// A parcel is a file, of which all but its preface is to be sent.
type parcel struct {
	name string
	size int64  // without the preface
	sum  string // without the preface
}

const preface = 1000

func pack(t testing.TB, size int64) *parcel {
	p := &parcel{name: filepath.Join(t.TempDir(), "parcel"), size: size}
	f, err := os.Create(p.name)
	require.NoError(t, err)
	random, sum := rand.NewChaCha8([32]byte{}), sha256.New()
	_, err = io.CopyN(f, random, preface)
	require.NoError(t, err)
	_, err = io.CopyN(io.MultiWriter(f, sum), random, size)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	p.sum = hex.EncodeToString(sum.Sum(nil))
	return p
}

// open opens the file behind its preface.
func (p *parcel) open(t testing.TB) *os.File {
	f, err := os.Open(p.name)
	require.NoError(t, err)
	_, err = f.Seek(preface, io.SeekStart)
	require.NoError(t, err)
	return f
}

func (p *parcel) arrived(t *testing.T, r httpfault.Request) {
	assert.True(t, r.Whole)
	assert.Equal(t, p.size, r.BodyLength)
	assert.Equal(t, p.sum, r.SHA256)
}

// A vault has the methods of a file, and knows how it was used.
type vault struct {
	text          *bytes.Reader
	mu            sync.Mutex
	reads, closes int
	late          int // uses after Close
}

func (v *vault) use(n *int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closes > 0 {
		v.late++
	}
	*n++
}

func (v *vault) Read(p []byte) (int, error) { v.use(&v.reads); return v.text.Read(p) }
func (v *vault) ReadAt(p []byte, off int64) (int, error) {
	v.use(new(int))
	return v.text.ReadAt(p, off)
}
func (v *vault) Seek(off int64, whence int) (int64, error) {
	v.use(new(int))
	return v.text.Seek(off, whence)
}
func (v *vault) Close() error { v.use(&v.closes); return nil }

// over reports whether v is closed, once and by the last who used it.
func (v *vault) over(t *testing.T) func() bool {
	return func() bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		require.LessOrEqual(t, v.closes, 1)
		require.Zero(t, v.late)
		return v.closes == 1
	}
}

// ways are how a file becomes the body of a request. Each tells whether it is, in the end, as open as it should be.
var ways = []struct {
	name string
	load func(t *testing.T, p *parcel, f *os.File, req *http.Request) (over func() bool)
}{
	{"a file", func(_ *testing.T, p *parcel, f *os.File, req *http.Request) func() bool {
		req.Body, req.ContentLength = f, p.size
		return closed(f)
	}},
	{"a file of a length that nobody declares", func(_ *testing.T, _ *parcel, f *os.File, req *http.Request) func() bool {
		req.Body = f
		return closed(f)
	}},
	{"a file that the caller closes", func(_ *testing.T, p *parcel, f *os.File, req *http.Request) func() bool {
		req.Body, req.ContentLength = io.NopCloser(f), p.size
		return kept(f)
	}},
	{"no file, but like one", func(t *testing.T, p *parcel, _ *os.File, req *http.Request) func() bool {
		text, err := os.ReadFile(p.name)
		require.NoError(t, err)
		v := &vault{text: bytes.NewReader(text)}
		_, err = v.text.Seek(preface, io.SeekStart)
		require.NoError(t, err)
		req.Body = v
		return v.over(t)
	}},
	{"SetBody", func(_ *testing.T, p *parcel, f *os.File, req *http.Request) func() bool {
		retry.SetBody(req, io.NewSectionReader(f, preface, p.size), p.size)
		return kept(f)
	}},
}

// lingering takes half a second over HTTP/1, for which net/http's server waits before it closes what it has not read.
const lingering = "503 when half of it is read"

func uploadFaults(size int64) map[string]httpfault.Step {
	then := func(act func(http.ResponseWriter)) httpfault.Step {
		return httpfault.HandleFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.CopyN(io.Discard, r.Body, size/2)
			act(w)
		})
	}
	return map[string]httpfault.Step{
		"503 before the body is read":   httpfault.Status(503).Early(),
		"503 while the body is read":    httpfault.Status(503).EarlyThenRead(),
		lingering:                       then(func(w http.ResponseWriter) { w.WriteHeader(503) }),
		"503 when it is read":           httpfault.Status(503),
		"reset before the body is read": httpfault.Reset().Early(),
		"reset when half of it is read": then(func(http.ResponseWriter) { panic(http.ErrAbortHandler) }),
		"reset when it is read":         httpfault.Reset(),
	}
}

func TestAFileArrivesWholeWhateverHappensToItsAttempts(t *testing.T) {
	p := pack(t, *uploadSize)
	for _, proto := range []httpfault.Protocol{httpfault.HTTP1, httpfault.HTTP2} {
		for name, fault := range uploadFaults(p.size) {
			for i, way := range ways {
				if name == lingering && i > 0 && *uploadSize < large {
					continue
				}
				t.Run(proto.String()+"/"+name+"/"+way.name, func(t *testing.T) {
					s := httpfault.Config{Protocol: proto}.NewServer(t, fault.Times(2), httpfault.OK("thanks"))
					req := newRequest(t, "PUT", s.URL, "")
					f := p.open(t)
					defer f.Close()
					over := way.load(t, p, f, req)
					resp, err := retry.New(s.Transport(), new(trail).eager(4)).RoundTrip(req)
					require.NoError(t, err)
					assert.Equal(t, "thanks", readAndClose(t, resp))
					got := s.Requests()
					require.Len(t, got, 3)
					p.arrived(t, got[2])
					if req.ContentLength == 0 {
						assert.EqualValues(t, -1, got[2].ContentLength, "nothing is declared that the caller did not")
					}
					assert.Eventually(t, over, 10*time.Second, time.Millisecond)
				})
			}
		}
	}
}

// Each request closes the file. On Linux, neither needs it any more.
func TestOneFileInTwoRequestsAtOnce(t *testing.T) {
	p := pack(t, *uploadSize)
	for _, proto := range []httpfault.Protocol{httpfault.HTTP1, httpfault.HTTP2} {
		for _, way := range []int{0, len(ways) - 1} {
			s := httpfault.Config{Protocol: proto}.NewServer(t, httpfault.Status(503).Early().Times(2))
			base, f := s.Transport(), p.open(t)
			defer f.Close()
			var begun, both sync.WaitGroup
			begun.Add(2)
			client := retry.New(roundTripperFunc(func(req *http.Request) (*http.Response, error) {
				if retry.AttemptNumber(req.Context()) == 1 {
					begun.Done()
					begun.Wait() // or one might close the file before the other has looked at it
				}
				return base.RoundTrip(req)
			}), new(trail).eager(4))
			for range 2 {
				both.Go(func() {
					req := newRequest(t, "PUT", s.URL, "")
					ways[way].load(t, p, f, req)
					resp, err := client.RoundTrip(req)
					if runtime.GOOS == "linux" || way > 0 {
						assert.NoError(t, err)
					}
					if err == nil {
						assert.Equal(t, 200, resp.StatusCode)
						assert.NoError(t, resp.Body.Close())
					}
				})
			}
			both.Wait()
			for _, r := range s.Requests() {
				if r.Whole {
					p.arrived(t, r)
				}
			}
		}
	}
}
