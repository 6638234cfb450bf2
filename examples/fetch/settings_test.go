package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

const someURL = "https://example.com/file"

func TestEveryFlagIsRead(t *testing.T) {
	got, err := parse(strings.Fields("-attempts 6 -attempt-timeout 10s -timeout=2m --backoff 500ms -o x " + someURL))
	require.NoError(t, err)
	assert.Equal(t, settings{someURL, "x", 6, 10 * time.Second, 2 * time.Minute, 500 * time.Millisecond}, got)
	assert.Equal(t, retry.Exponential{Base: 500 * time.Millisecond}, got.retries().Backoff)
	assert.Equal(t, retry.Exponential{Base: 500 * time.Millisecond}, got.continuations().Backoff)
}

func TestAttemptsAreThoseOfAMissingPieceToo(t *testing.T) {
	for attempts, want := range map[int]int{0: 0, 1: -1, 2: 1, 6: 5} {
		s := settings{attempts: attempts}
		assert.Equal(t, want, s.continuations().MaxContinuations)
	}
}

func TestBadValuesGiveAClearMessageAndStatus2(t *testing.T) {
	for args, want := range map[string]string{
		"":                                    "want one URL after the flags, got 0 arguments",
		someURL + " -o x":                     "want one URL after the flags, got 3 arguments",
		"-attempts x " + someURL:              `invalid value "x" for flag -attempts`,
		"-attempts 1.5 " + someURL:            `invalid value "1.5" for flag -attempts`,
		"-attempts -1 " + someURL:             "-attempts -1 is negative",
		"-attempt-timeout 10 " + someURL:      `invalid value "10" for flag -attempt-timeout`,
		"-attempt-timeout -1s " + someURL:     "-attempt-timeout -1s is negative",
		"-timeout soon " + someURL:            `invalid value "soon" for flag -timeout`,
		"-timeout -1m " + someURL:             "-timeout -1m0s is negative",
		"-backoff 1 " + someURL:               `invalid value "1" for flag -backoff`,
		"-backoff -1ms " + someURL:            "-backoff -1ms is negative",
		"-o":                                  "flag needs an argument: -o",
		"-retries 3 " + someURL:               "flag provided but not defined: -retries",
		"example.com/file":                    `"example.com/file" is no URL of the form http://host/path`,
		"ftp://example.com/file":              `"ftp://example.com/file" is no URL of the form`,
		"https:///file":                       `"https:///file" is no URL of the form`,
		"http://example.com:port/":            "invalid port",
		"-attempts -1 -o x ftp://example.com": "-attempts -1 is negative",
	} {
		var out, log bytes.Buffer
		assert.Equal(t, 2, program{out: &out, log: &log}.run(t.Context(), strings.Fields(args)), args)
		assert.Contains(t, log.String(), "fetch: ", args)
		assert.Contains(t, log.String(), want, args)
		assert.Contains(t, log.String(), "\nusage: fetch [flags] URL\n", args)
		assert.Empty(t, out.String(), args)
	}
}

func TestHelpGoesToStandardOutput(t *testing.T) {
	var out, log bytes.Buffer
	assert.Zero(t, program{out: &out, log: &log}.run(t.Context(), []string{"-h"}))
	assert.Empty(t, log.String())
	for _, name := range []string{
		"attempts n", "attempt-timeout duration", "timeout duration", "backoff duration", "o file",
	} {
		assert.Contains(t, out.String(), "\n  -"+name+"\n")
	}
	for line := range strings.Lines(out.String()) {
		assert.LessOrEqual(t, len(line), 77, "a tab is up to four more: "+line)
	}
}
