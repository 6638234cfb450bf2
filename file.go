package retry

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"reflect"
	"sync/atomic"
)

// SetBody makes body the body of req: Body, GetBody and, from size, ContentLength. Every attempt, and every redirect,
// reads size bytes of body from offset 0 by ReadAt alone, so that one body may serve many requests at once.
//
// The caller keeps body and closes it, after the response's body was closed. An attempt that was answered early may
// then still be reading: it fails, which nobody is told. To send a file from where it stands, and to have it closed,
// pass it to [http.NewRequest] instead: see [Replayable].
//
// A negative size stands for all there is: the length is then not declared, and HTTP/1 sends chunks (RFC 9112 section
// 7.1). A body that ends before size fails the attempt with an error that matches [io.ErrUnexpectedEOF]; what it has
// beyond is not sent. Nothing is sent of a nil body, or for a size of 0. A nil req is left alone.
func SetBody(req *http.Request, body io.ReaderAt, size int64) {
	if req == nil {
		return
	}
	if body == nil || size == 0 {
		req.Body, req.ContentLength = http.NoBody, 0
		req.GetBody = func() (io.ReadCloser, error) { return http.NoBody, nil }
		return
	}
	s := &source{at: body, end: min(size, longestBody)}
	if size < 0 {
		s.end = math.MaxInt64
	}
	s.users.Store(1) // the caller, who does not tell when that is over
	req.Body, req.GetBody, req.ContentLength = s.section(), s.open, max(size, -1)
}

// longestBody is the most that a body may be known to have: an end further out stands for wherever it ends.
const longestBody = math.MaxInt64 - 1

// A source is what the bodies of all attempts are sections of: [start, end) of at.
type source struct {
	at         io.ReaderAt
	start, end int64        // end: math.MaxInt64 if it is wherever at ends
	users      atomic.Int64 // the call, its sections that are not closed, and their Reads
	owned      []io.Closer  // closed after the last user

	spare atomic.Pointer[os.File] // at, while nobody uses its offset
}

// A seekerAt is what a file is to us.
type seekerAt interface {
	io.ReaderAt
	io.Seeker
}

// fileOf returns the body of req if it can be read at an offset and has no GetBody, or nil.
func fileOf(req *http.Request) seekerAt {
	if !hasOneBody(req) {
		return nil
	}
	inner, _ := insideNopCloser(req.Body)
	file, _ := inner.(seekerAt)
	return file
}

// extent returns from where to where the body of req, which is file, is to be sent. It is not ok if nobody knows.
func extent(req *http.Request, file seekerAt) (start, end int64, ok bool) {
	start, end, ok = bounds(file)
	if n := req.ContentLength; n > 0 {
		end = start + min(n, longestBody-start)
	}
	// There is more to a file of length 0 than it says, in /proc for one.
	return start, end, ok && start < end
}

// bounds returns where file stands and where it ends.
func bounds(file seekerAt) (start, end int64, ok bool) {
	if opaque(file) {
		return 0, 0, false
	}
	start, err := file.Seek(0, io.SeekCurrent)
	if err != nil || start < 0 {
		return 0, 0, false
	}
	if f, ok := file.(*os.File); ok {
		info, err := f.Stat()
		if err != nil || !info.Mode().IsRegular() {
			return 0, 0, false
		}
		return start, info.Size(), true
	}
	end, err = file.Seek(0, io.SeekEnd)
	_, back := file.Seek(start, io.SeekStart)
	return start, end, err == nil && back == nil
}

// hold makes the call independent of who else closes the caller's file: another request that has it too, or the caller,
// when the response is there and an attempt is still reading.
func (s *source) hold(file *os.File) {
	if own, err := reopen(file); err == nil {
		s.at, s.owned = own, append(s.owned, own)
		s.spare.Store(own)
	}
}

// opaque reports whether file is nil, or may have its ReadAt from a type that it embeds: its Read may then be one of
// its own that encrypts, say, and what ReadAt reads is not what is to be sent.
func opaque(file seekerAt) bool {
	v := reflect.ValueOf(file)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if !v.IsValid() {
		return true
	}
	if _, ok := file.(*os.File); ok || v.Kind() != reflect.Struct {
		return false
	}
	readerAt := reflect.TypeFor[io.ReaderAt]()
	for f := range v.Type().Fields() {
		if f.Anonymous && (f.Type.Implements(readerAt) || reflect.PointerTo(f.Type).Implements(readerAt)) {
			return true
		}
	}
	return false
}

// useFile makes a request whose body is a file one that can be sent again.
func (c *call) useFile() {
	file := fileOf(c.req)
	if file == nil {
		return
	}
	start, end, ok := extent(c.req, file)
	if !ok {
		c.stop = ErrNotReplayable // also if it can be read at an offset by the time an attempt has failed
		return
	}
	c.source = &source{at: file, start: start, end: end, owned: []io.Closer{c.req.Body}}
	c.source.users.Store(1)
	if f, ok := file.(*os.File); ok {
		c.source.hold(f)
	}
	c.req = c.req.WithContext(c.req.Context())
	c.req.Body, c.req.GetBody = c.source.section(), c.source.open
	c.Request = c.req
}

// open is GetBody. It tells early that a file has become too short, as long as there is a response to return instead.
func (s *source) open() (io.ReadCloser, error) {
	if file, ok := s.at.(*os.File); ok && s.end < math.MaxInt64 {
		info, err := file.Stat()
		if err != nil {
			return nil, err
		}
		if info.Mode().IsRegular() && info.Size() < s.end {
			return nil, &shortBodyError{info.Size() - s.start, s.end - s.start}
		}
	}
	return s.section(), nil
}

func (s *source) acquire() bool {
	for {
		n := s.users.Load()
		if n == 0 {
			return false
		}
		if s.users.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (s *source) release() {
	if s == nil || s.users.Add(-1) != 0 {
		return
	}
	for _, c := range s.owned {
		closeBody(c)
	}
}

// A shortBodyError says that less could be read than was declared.
type shortBodyError struct{ got, want int64 }

func (e *shortBodyError) Error() string {
	return fmt.Sprintf("retry: request body ended after %d of %d bytes", max(e.got, 0), e.want)
}

func (e *shortBodyError) Unwrap() error { return io.ErrUnexpectedEOF }
