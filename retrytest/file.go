package retrytest

import (
	"net/http"
	"os"
	"path/filepath"
)

var fileChecks = []check{
	{
		name: "FileSentWhole",
		promise: "each attempt that is made with an open file as the body sends all of it, from where it stood, " +
			"and in the end the file is closed.",
		why: "a file has no GetBody, and the first attempt uses it up. One that sends what is left stores an empty " +
			"file, and the server says 200.",
		run: fileSentWhole,
	},
	{
		name:    "FileReplayed",
		promise: "the PUT of an open file, just as http.NewRequest makes it, is retried.",
		why: "that is how files are uploaded. They can be read at an offset (io.ReaderAt), so each attempt can have " +
			"a reader of its own, and nothing need be kept in memory.",
		needs: []need{files},
		run:   fileReplayed,
	},
	{
		name:    "BodyNotWrapped",
		promise: "the body of the response is the very object that the base returned.",
		why: "what it offers beside Read and Close, such as io.WriterTo or a type that the caller knows, is lost " +
			"behind a wrapper.",
		run: bodyNotWrapped,
	},
}

const (
	fileText   = "preface: the content of a file"
	fileOffset = len("preface: ")
)

// file makes a PUT of an open file that stands behind its preface.
func (p *probe) file() (*http.Request, *os.File) {
	p.Helper()
	name := filepath.Join(p.TempDir(), "file")
	if err := os.WriteFile(name, []byte(fileText), 0o600); err != nil {
		p.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { f.Close() })
	if _, err := f.Seek(int64(fileOffset), 0); err != nil {
		p.Fatal(err)
	}
	req := p.request(http.MethodPut)
	req.Body, req.ContentLength = f, int64(len(fileText)-fileOffset)
	return req, f
}

func fileSentWhole(p *probe) {
	for _, first := range []outcome{p.failing(), failure(errPassing), status(200)} {
		b := &base{outcomes: []outcome{first, status(200)}}
		req, f := p.file()
		_, _ = p.send(b, req)
		for i, s := range b.sendings() {
			if s.content != fileText[fileOffset:] || s.err != nil {
				p.broken("Attempt %d sent %q of %q, with the error %v.", i+1, s.content, fileText[fileOffset:], s.err)
			}
		}
		if _, err := f.Stat(); err == nil {
			p.broken("After %s and %d attempts in all, the file was still open.", first, b.attempts())
		}
	}
}

func fileReplayed(p *probe) {
	b := &base{outcomes: []outcome{p.failing(), status(200)}}
	req, _ := p.file()
	got, err := p.send(b, req)
	if b.attempts() != 2 || got.code != 200 || err != nil {
		p.broken("After a %d, the upload of a file had %d attempts in all, and ended with status %d and error %v.",
			p.claims.failureStatus(), b.attempts(), got.code, err)
	}
}

func bodyNotWrapped(p *probe) {
	for _, outcomes := range [][]outcome{{status(200)}, {p.failing(), status(200)}} {
		b := &base{outcomes: outcomes}
		resp, err := p.roundTrip(p.wrap(b), p.request(http.MethodGet))
		if err != nil {
			p.broken("A GET ended with the error %q.", err)
		}
		resp.Body.Close()
		if last := b.replies[len(b.replies)-1]; resp.Body != last {
			p.broken("After %d attempts the body was a %T, and not the base's %T.", b.attempts(), resp.Body, last)
		}
	}
}
