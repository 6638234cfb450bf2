package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// create makes a file of random bytes, at whose start it stands, and returns its checksum. It is always the same.
func create(dir string, size int64) (*os.File, string, error) {
	file, err := os.Create(filepath.Join(dir, "file"))
	if err != nil {
		return nil, "", err
	}
	sum := sha256.New()
	buffer := bufio.NewWriterSize(io.MultiWriter(file, sum), 1<<18)
	_, err = io.CopyN(buffer, rand.NewChaCha8([32]byte{}), size)
	if err == nil {
		err = buffer.Flush()
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		file.Close()
		return nil, "", err
	}
	return file, text(sum), nil
}

func text(sum hash.Hash) string { return hex.EncodeToString(sum.Sum(nil)) }
