package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// A target is where a download goes: into a file beside the wanted one, which takes its name once it is whole, so that
// half a download never looks like a whole one.
type target struct {
	io.Writer
	part *os.File // nil: straight to the Writer
	name string
}

// open opens what can be opened before anything is sent. What stands under the name and is no regular file, such as
// /dev/null, is written to as it is.
func open(name string, out io.Writer) (*target, error) {
	if name == "" || name == "-" {
		return &target{Writer: out}, nil
	}
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		return &target{Writer: f, part: f}, err
	}
	// A file of that name is somebody's: another download under way, or what a crash has left.
	f, err := os.OpenFile(name+".part", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	return &target{Writer: f, part: f, name: name}, err
}

// keep ends a download that is whole.
func (t *target) keep() error {
	if t.part == nil {
		return nil
	}
	err := t.part.Close()
	if t.name == "" {
		return err
	}
	if err != nil {
		return errors.Join(err, os.Remove(t.part.Name()))
	}
	return os.Rename(t.part.Name(), t.name)
}

// discard ends one that is not.
func (t *target) discard() {
	if t.part == nil {
		return
	}
	t.part.Close()
	if t.name != "" {
		os.Remove(t.part.Name())
	}
}
