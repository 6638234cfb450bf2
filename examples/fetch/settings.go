package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/resume"
)

// settings are what the command line says.
type settings struct {
	url            string
	file           string // "" and "-" mean standard output
	attempts       int
	attemptTimeout time.Duration
	timeout        time.Duration
	backoff        time.Duration
}

func (s *settings) flags() *flag.FlagSet {
	f := flag.NewFlagSet("fetch", flag.ContinueOnError)
	f.SetOutput(io.Discard) // run prints what is wrong
	f.Usage = func() {}
	f.IntVar(&s.attempts, "attempts", 0,
		"make at most `n` attempts, the first included, and as many\nfor each missing piece; 0 means 4, 1 means no retries")
	f.DurationVar(&s.attemptTimeout, "attempt-timeout", 0,
		"give up an attempt that says nothing for `duration`, such\nas 500ms, 10s or 2m; 0 means no timeout")
	f.DurationVar(&s.timeout, "timeout", 0, "give up after `duration` in all; 0 means no timeout")
	f.DurationVar(&s.backoff, "backoff", 0,
		"wait up to `duration` before the first retry, at random,\nand up to twice as long before each next; 0 means 1s")
	f.StringVar(&s.file, "o", "", "write to `file` once the download is whole; the default,\nand -, is standard output")
	return f
}

func usage() string {
	var text strings.Builder
	f := new(settings).flags()
	f.SetOutput(&text)
	fmt.Fprintln(&text, "usage: fetch [flags] URL")
	f.PrintDefaults()
	return text.String()
}

// parse reads a command line, without the program's name.
func parse(args []string) (s settings, err error) {
	f := s.flags()
	if err := f.Parse(args); err != nil {
		return s, err
	}
	if f.NArg() != 1 {
		return s, fmt.Errorf("want one URL after the flags, got %d arguments", f.NArg())
	}
	s.url = f.Arg(0)
	return s, errors.Join(s.checkNumbers(), checkURL(s.url))
}

func (s *settings) checkNumbers() error {
	switch {
	case s.attempts < 0:
		return fmt.Errorf("-attempts %d is negative", s.attempts)
	case s.attemptTimeout < 0:
		return fmt.Errorf("-attempt-timeout %v is negative", s.attemptTimeout)
	case s.timeout < 0:
		return fmt.Errorf("-timeout %v is negative", s.timeout)
	case s.backoff < 0:
		return fmt.Errorf("-backoff %v is negative", s.backoff)
	}
	return nil
}

func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return err
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%q is no URL of the form http://host/path or https://host/path", text)
	}
	return nil
}

func (s *settings) retries() retry.Policy {
	return retry.Policy{
		MaxAttempts:    s.attempts,
		AttemptTimeout: s.attemptTimeout,
		Backoff:        retry.Exponential{Base: s.backoff},
	}
}

// continuations is how a download goes on that broke off. Whoever wants one attempt does not want it to.
func (s *settings) continuations() resume.Policy {
	n := s.attempts - 1
	switch s.attempts {
	case 0:
		n = 0
	case 1:
		n = -1
	}
	return resume.Policy{
		MaxContinuations: n,
		Backoff:          retry.Exponential{Base: s.backoff},
		Identity:         true, // what was decoded cannot be continued
	}
}
