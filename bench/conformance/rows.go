package conformance

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-e3550de8/retry/httpfault"
)

const (
	glance       = 1 << 10 // how much of an answer a predicate looks at
	downloadSize = 1 << 20
	preface      = "preface: "
	upload       = "the content of a file"
)

// A Row is what becomes of one input in each library that lets its user say what to repeat.
type Row struct {
	Input    string
	Outcomes []string // in the order of [Told]
}

// First returns the row of the first n libraries.
func (r Row) First(n int) Row { return Row{r.Input, r.Outcomes[:n]} }

func (r Row) String() string {
	return fmt.Sprintf("| %s | %s |\n", r.Input, strings.Join(r.Outcomes, " | "))
}

// WriteRows writes them as a table.
func WriteRows(w io.Writer, rows []Row) {
	head, rule := "|", "|---|"
	for _, s := range Told() {
		head += fmt.Sprintf(" %s |", s.Name)
		rule += "---|"
	}
	fmt.Fprintf(w, "| %s\n%s\n", head, rule)
	for _, row := range rows {
		fmt.Fprint(w, row)
	}
}

// Told returns the subjects that have a Told.
func Told() (told []Subject) {
	for _, s := range Field() {
		if s.Told != nil {
			told = append(told, s)
		}
	}
	return told
}

// Rows sends answers, uploads and downloads that need more than a status through the libraries, over loopback. The
// servers are those of a test or, for nil, of a program.
func Rows(tb testing.TB) []Row {
	rows := []Row{
		{Input: "a 200 that says `throttled` twice; a predicate reads 1 KiB of each body"},
		{Input: "the same, and puts back what it read"},
		{Input: "PUT of an open file, from its start, that met a 503"},
		{Input: "PUT of an open file, not from its start, that met a 503"},
		{Input: "a download of 1 MiB, cut after 300 KiB"},
		{Input: "the same, with each answer read into memory first"},
	}
	for _, s := range Told() {
		for i, outcome := range []string{
			s.throttled(tb, readAway), s.throttled(tb, putBack),
			s.file(tb, 0), s.file(tb, len(preface)),
			s.download(tb, s.Own.Resume, never), s.download(tb, s.Own.Whole, broken),
		} {
			rows[i].Outcomes = append(rows[i].Outcomes, outcome)
		}
	}
	return rows
}

// throttled gets an answer that is good at the third request. A look by hand is for those that have none of their own.
func (s Subject) throttled(tb testing.TB, look func(*http.Response) []byte) string {
	if s.Own.Look != nil {
		look = s.Own.Look
	}
	const bad = `{"status":"throttled"}`
	good := `{"status":"ok","text":"` + strings.Repeat("good ", glance) + `"}`
	server := httpfault.NewServer(tb, httpfault.OK(bad), httpfault.OK(bad), httpfault.OK(good))
	defer server.Close()
	rt := s.Told(server.Transport(), func(resp *http.Response) bool {
		return bytes.HasPrefix(look(resp), []byte(bad))
	})
	return fetch(rt, server, good)
}

func readAway(resp *http.Response) []byte {
	start, _ := io.ReadAll(io.LimitReader(resp.Body, glance))
	return start
}

func putBack(resp *http.Response) []byte {
	start := readAway(resp)
	resp.Body = joined{io.MultiReader(bytes.NewReader(start), resp.Body), resp.Body}
	return start
}

type joined struct {
	io.Reader
	io.Closer
}

func never(*http.Response) bool { return false }

// broken reads all of a body into memory and reports whether it broke off.
func broken(resp *http.Response) bool {
	all, err := io.ReadAll(resp.Body)
	resp.Body = joined{bytes.NewReader(all), resp.Body}
	return err != nil
}

// download gets content whose first answer is cut. Without a way of the library's own, it is told by again what to
// repeat.
func (s Subject) download(
	tb testing.TB, own func(http.RoundTripper) http.RoundTripper, again func(*http.Response) bool,
) string {
	content := strings.Repeat("0123456789abcdef", downloadSize/16)
	const tag = `"1"`
	server := httpfault.Config{Default: httpfault.HandleFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", tag)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
	})}.NewServer(tb, httpfault.OK(content).Header("ETag", tag).CutBody(300<<10))
	defer server.Close()
	if own != nil {
		return fetch(own(server.Transport()), server, content)
	}
	return fetch(s.Told(server.Transport(), again), server, content)
}

// fetch says what of the content a GET brings, and after how many requests.
func fetch(rt http.RoundTripper, server *httpfault.Server, content string) string {
	resp, err := (&http.Client{Transport: rt}).Get(server.URL)
	if err != nil {
		return reason(err) + requests(server)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	outcome := "other bytes"
	switch {
	case err != nil && strings.HasPrefix(content, string(got)):
		outcome = fmt.Sprintf("%d KiB, then %v", len(got)>>10, err)
	case string(got) == content:
		outcome = "whole"
	case strings.HasSuffix(content, string(got)):
		outcome = fmt.Sprintf("without its first %d bytes", len(content)-len(got))
	}
	return outcome + requests(server)
}

// requests says how many requests came, and how many of them were for a part.
func requests(server *httpfault.Server) string {
	all, parts := server.Requests(), 0
	for _, r := range all {
		if r.Header.Get("Range") != "" {
			parts++
		}
	}
	switch {
	case len(all) == 1:
		return ", 1 request"
	case parts > 0:
		return fmt.Sprintf(", %d requests, %d for the rest", len(all), parts)
	}
	return fmt.Sprintf(", %d requests", len(all))
}

// file uploads an open file from an offset, as http.NewRequest makes the request, and says what arrived last.
func (s Subject) file(tb testing.TB, offset int) string {
	f, err := os.CreateTemp("", "upload")
	if err != nil {
		return err.Error()
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := f.WriteString(preface + upload); err != nil {
		return err.Error()
	}
	if _, err := f.Seek(int64(offset), io.SeekStart); err != nil {
		return err.Error()
	}
	server := httpfault.Config{Default: httpfault.OK("stored")}.NewServer(tb, httpfault.Status(http.StatusServiceUnavailable))
	defer server.Close()
	req, err := http.NewRequest(http.MethodPut, server.URL, f)
	if err != nil {
		return err.Error()
	}
	resp, err := (&http.Client{Transport: s.Told(server.Transport(), never)}).Do(req)
	if err != nil {
		return strings.ReplaceAll(reason(err), f.Name(), "the file") + requests(server)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Sprintf("status %d", resp.StatusCode) + requests(server)
	}
	return arrived(server.Requests(), (preface + upload)[offset:]) + requests(server)
}

// reason returns the text of an error without the address of the server, which is another one each time.
func reason(err error) string {
	for {
		with, ok := errors.AsType[*url.Error](err)
		if !ok {
			return err.Error()
		}
		err = with.Err
	}
}

func arrived(all []httpfault.Request, content string) string {
	last := all[len(all)-1]
	switch last.SHA256 {
	case fmt.Sprintf("%x", sha256.Sum256([]byte(content))):
		return "whole"
	case fmt.Sprintf("%x", sha256.Sum256([]byte(preface+upload))):
		return "sent from its start"
	}
	return fmt.Sprintf("%d bytes of %d", last.BodyLength, len(content))
}
