package store

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func ops(b *Batch) (all []Op) {
	b.Each(func(op Op) { all = append(all, op) })
	return all
}

func TestBatch(t *testing.T) {
	var b Batch
	require.True(t, b.Empty())
	require.Empty(t, ops(&b))
	b.Put([]byte("k"), []byte("value"))
	b.Put(nil, nil)
	size := b.Size()
	b.Delete([]byte("k"))
	b.DeleteRange([]byte("a"), []byte("b"))
	require.Equal(t, []Op{
		{Put, []byte("k"), []byte("value")},
		{Put, []byte{}, []byte{}},
		{Delete, []byte("k"), []byte{}},
		{DeleteRange, []byte("a"), []byte("b")},
	}, ops(&b))
	b.Truncate(size)
	require.Len(t, ops(&b), 2)
	b.Reset()
	require.True(t, b.Empty())
}

func TestBatchCopies(t *testing.T) {
	var b Batch
	k := []byte("k")
	b.Put(k, k)
	k[0] = 'x'
	require.Equal(t, []Op{{Put, []byte("k"), []byte("k")}}, ops(&b))
	for _, op := range ops(&b) { // appending to one must not hit its neighbour
		_ = append(op.Key, 'x')
		_ = append(op.Value, 'x')
	}
	require.Equal(t, []Op{{Put, []byte("k"), []byte("k")}}, ops(&b))
}

func TestBigBatchIsGivenBack(t *testing.T) {
	var b Batch
	b.Put(nil, make([]byte, keepBatch))
	b.Reset()
	require.Zero(t, cap(b.data))
}
