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
	require.Equal(t, 4, b.Len())
	b.Truncate(size)
	require.Len(t, ops(&b), 2)
	require.Equal(t, 2, b.Len())
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

func TestAppendAndAdd(t *testing.T) {
	var a, b, c Batch
	a.Put([]byte("k"), []byte("v"))
	b.Delete([]byte("k"))
	b.DeleteRange([]byte("a"), []byte("b"))
	all := append(ops(&a), ops(&b)...)
	for _, op := range all {
		c.Add(op)
	}
	a.Append(&b)
	require.Equal(t, all, ops(&a))
	require.Equal(t, all, ops(&c))
}

func TestParseBatch(t *testing.T) {
	var b Batch
	b.Put([]byte("key"), []byte("value"))
	b.Delete([]byte("key"))
	wire := b.AppendTo([]byte("x"))[1:]
	got, err := ParseBatch(wire)
	require.NoError(t, err)
	require.Equal(t, ops(&b), ops(&got))
	for i := 1; i < len(wire); i++ {
		if i == opHeader+len("key")+len("value") {
			continue // the first operation alone
		}
		_, err := ParseBatch(wire[:i])
		require.ErrorIs(t, err, ErrBatch, "%d octets", i)
	}
	wire[0] = byte(DeleteRange) + 1
	_, err = ParseBatch(wire)
	require.ErrorIs(t, err, ErrBatch)
}

func FuzzParseBatch(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x01\x00\x00\x00\x01kv"))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := ParseBatch(data)
		if err != nil {
			return
		}
		var again Batch
		b.Each(again.Add)
		require.Equal(t, data, again.AppendTo([]byte{}))
	})
}
