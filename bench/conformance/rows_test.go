package conformance_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/bench/conformance"
)

func TestAnswersUploadsAndDownloadsEndAsTheReportCardSays(t *testing.T) {
	const (
		whole  = "whole, 2 requests"
		third  = "whole, 3 requests"
		eaten  = "without its first 1024 bytes, 3 requests"
		start  = "sent from its start, 2 requests"
		short  = "300 KiB, then unexpected EOF, 1 request"
		once   = "status 503, 1 request"
		closed = "seek the file: file already closed, 1 request"
	)
	rows := conformance.Rows(t)
	var outcomes [][]string
	for _, row := range rows {
		outcomes = append(outcomes, row.Outcomes)
	}
	assert.Equal(t, [][]string{ // retry, go-retryablehttp, rehttp, failsafehttp, resty, imroc/req
		{third, eaten, eaten, eaten, eaten, eaten},
		{third, third, third, third, third, third},
		{whole, whole, whole, whole, closed, once},
		{whole, start, whole, start, closed, once},
		{whole + ", 1 for the rest", short, short, short, short, short},
		{whole, whole, whole, whole, whole, whole},
	}, outcomes)

	var table bytes.Buffer
	conformance.WriteRows(&table, rows)
	page, err := os.ReadFile("../CONFORMANCE.md")
	require.NoError(t, err)
	assert.True(t, bytes.Contains(page, table.Bytes()), "CONFORMANCE.md has not:\n%s", &table)
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	for _, i := range []int{0, 1, 3, 4, 5} {
		row := rows[i].First(4)
		assert.True(t, bytes.Contains(readme, []byte(row.String())), "the README has not: %s", row)
	}
}
