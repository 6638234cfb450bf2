package main

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// It is 296 KiB on Go 1.26 and 380 on 1.27, of which a program with a log/slog value has 32 and 128.
func TestAProgramThatImportsThePackageIsLittleLarger(t *testing.T) {
	t.Chdir("../..")
	r := newRelease(runtime.Version())
	require.NoError(t, r.buildPrograms(programs[:3], t.TempDir()))
	bare, ours := r.imported[plain], r.imported["retry"]
	assert.Positive(t, bare.stripped)
	assert.Positive(t, ours.code)
	assert.Less(t, ours.stripped-r.imported[logged].stripped, int64(mostStripped))
	assert.Equal(t, 2, ours.modules, "its own, and go-cleanhttp")
	assert.Zero(t, bare.modules)

	s := ours.starts[module]
	assert.Zero(t, s.allocations, "it does nothing when the program starts")
	assert.Zero(t, s.bytes)
	assert.NotContains(t, ours.starts, "github.com/hashicorp/go-cleanhttp")
}

func TestTheProgramsOfTheOthersAreValid(t *testing.T) {
	t.Chdir("../..")
	at, err := overlay(programs, t.TempDir())
	require.NoError(t, err)
	args := []string{"build", "-overlay", at} // more than one program, so that nothing is linked
	for i := range programs {
		args = append(args, imagined(i))
	}
	_, err = newRelease(runtime.Version()).tool(args...)
	require.NoError(t, err)
}
