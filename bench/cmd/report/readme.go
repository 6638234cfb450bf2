package main

import (
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/seed-e3550de8/retry/bench/tail"
)

// The README has its part of the short table between these lines.
const (
	readmeBegin = "<!-- From bench/RESULTS.md, by its report. -->\n"
	readmeEnd   = "<!-- End. -->\n"
)

// readmeRows are those of the README.
var readmeRows = []string{"GET-503", "GET-drip", "GET-restart", "GET-all", "PUT-all", "PUT-all-HTTP2", "POST-all"}

// writeREADME puts the figures into the README.
func writeREADME(file string, s *samples) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(text), readmeBegin)
	_, after, ended := strings.Cut(rest, readmeEnd)
	if !found || !ended {
		return errors.New(file + " has no lines for the table")
	}
	rows := slices.DeleteFunc(tail.Rows(), func(r tail.Row) bool { return !slices.Contains(readmeRows, r.Name) })
	return os.WriteFile(file, []byte(before+readmeBegin+"\n"+tailLines(s, rows)+"\n"+readmeEnd+after), 0o644)
}
