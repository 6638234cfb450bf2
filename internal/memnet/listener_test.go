package memnet_test

import (
	"net"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/internal/memnet"
)

func TestAClosedListenerRefusesAndDropsWhatNobodyAccepted(t *testing.T) {
	l := memnet.Listen()
	waiting, err := l.DialContext(t.Context(), "", "")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	require.NoError(t, l.Close())

	_, err = waiting.Read(make([]byte, 1))
	assert.Error(t, err)
	_, err = l.DialContext(t.Context(), "", "")
	assert.ErrorIs(t, err, syscall.ECONNREFUSED)
	_, err = l.Accept()
	assert.ErrorIs(t, err, net.ErrClosed)
}

func TestABubbleHasANumberAndStacks(t *testing.T) {
	assert.Empty(t, memnet.Bubble())
	assert.Empty(t, memnet.StackIn(""))
	synctest.Test(t, func(t *testing.T) {
		id := memnet.Bubble()
		assert.NotEmpty(t, id)
		assert.Contains(t, memnet.StackIn(id), "goroutine ")
		assert.Empty(t, memnet.StackIn(id+"0"))
	})
}
