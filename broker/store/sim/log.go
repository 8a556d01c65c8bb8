package sim

import (
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"slices"

	"github.com/dormouse-mqtt/dormouse/broker/store"
)

// The log is a chain of records, one for each group: length of the operations
// (4), CRC32C (4), operations. The checksum covers all else and begins with
// that of the record before, so that a record counts only behind the one that
// it was written behind.
const recordHeader = 4 + 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A link is the checksum of a record, with which the next one begins.
type link uint32

// A log is the chain with what is being added to it.
type log struct {
	file   platter
	synced int    // octets that no crash takes
	tail   []byte // records behind them, which are committed all the same
	chain  link   // the last of these
	record []byte // under way
	next   link   // that record
	// doubtful: an attempt failed, and nobody knows what is behind synced.
	doubtful bool
	buffer   []byte
}

// open replays data, and cuts off what is not whole before anything is added:
// it must not be continued by chance in a later life.
func (l *log) open(data []byte, apply func(store.Op)) (discarded int) {
	l.synced, l.chain = replay(data, apply)
	l.file.durable = slices.Clone(data[:l.synced])
	return len(data) - l.synced
}

// prepare encodes the next record. If the disk is in doubt there is one even
// without operations, which takes the place of what failed.
func (l *log) prepare(b *store.Batch) {
	l.record, l.next = l.record[:0], l.chain
	if !b.Empty() || l.doubtful {
		l.record, l.next = appendRecord(l.record, l.chain, b)
	}
}

// toWrite is what is to be written, and where. In doubt that is all which was
// not synced: a failed sync may have forgotten anything of it.
func (l *log) toWrite() (at int, data []byte) {
	if !l.doubtful {
		return l.synced + len(l.tail), l.record
	}
	l.buffer = append(append(l.buffer[:0], l.tail...), l.record...)
	return l.synced, l.buffer
}

// succeed ends an attempt that succeeded.
func (l *log) succeed(sync bool, random *rand.Rand) {
	l.file.settle(written)
	l.chain = l.next
	l.tail = append(l.tail, l.record...)
	if sync {
		l.file.sync(random)
		l.synced += len(l.tail)
		l.tail, l.doubtful = l.tail[:0], false
	}
}

// fail ends an attempt that failed.
func (l *log) fail(sync bool) {
	l.file.settle(broken)
	if sync {
		l.file.forget()
	}
	l.doubtful = true
}

// appendRecord appends the next record.
func appendRecord(data []byte, l link, b *store.Batch) ([]byte, link) {
	start := len(data)
	data = append(data, make([]byte, recordHeader)...)
	data = b.AppendTo(data)
	record := data[start:]
	binary.BigEndian.PutUint32(record, uint32(len(record)-recordHeader))
	next := l.follow(record)
	binary.BigEndian.PutUint32(record[4:], uint32(next))
	return data, next
}

// follow gives the link of the record behind l.
func (l link) follow(record []byte) link {
	sum := crc32.Update(uint32(l), castagnoli, record[:4])
	return link(crc32.Update(sum, castagnoli, record[recordHeader:]))
}

// replay applies the records up to the first that is not whole, and gives where
// the log is to go on. Behind a hole nothing counts: what is there was written,
// but never told to be committed.
func replay(data []byte, apply func(store.Op)) (end int, l link) {
	for {
		b, n, next := l.record(data[end:])
		if n == 0 {
			return end, l
		}
		b.Each(apply)
		end, l = end+n, next
	}
}

// record gives the record at the start of data and its length: 0 if there is
// none that follows l.
func (l link) record(data []byte) (b store.Batch, n int, next link) {
	if len(data) < recordHeader {
		return b, 0, l
	}
	size := binary.BigEndian.Uint32(data)
	if uint64(size) > uint64(len(data)-recordHeader) {
		return b, 0, l
	}
	n = recordHeader + int(size)
	next = l.follow(data[:n])
	if uint32(next) != binary.BigEndian.Uint32(data[4:]) {
		return b, 0, l
	}
	b, err := store.ParseBatch(data[recordHeader:n])
	if err != nil {
		return b, 0, l
	}
	return b, n, next
}
