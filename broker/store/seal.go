package store

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// ErrDamaged says that a value is not what was stored under its key.
var ErrDamaged = errors.New("store: damaged value")

const sealSize = 1 + 4 // version, CRC32C

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Seal begins a value in b, which it empties: the owner appends the content and
// calls Sealed.
func Seal(b []byte, version byte) []byte {
	return append(b[:0], version, 0, 0, 0, 0)
}

// Sealed ends a value that Seal began, for key: its checksum is over version,
// content and key, so that a value that turns up under another key is found out.
func Sealed(key, value []byte) []byte {
	binary.BigEndian.PutUint32(value[1:], checksum(key, value[0], value[sealSize:]))
	return value
}

// Unseal gives the version and the content of a sealed value, which they alias.
func Unseal(key, value []byte) (version byte, content []byte, err error) {
	if len(value) < sealSize {
		return 0, nil, ErrDamaged
	}
	version, content = value[0], value[sealSize:]
	if binary.BigEndian.Uint32(value[1:]) != checksum(key, version, content) {
		return 0, nil, ErrDamaged
	}
	return version, content, nil
}

func checksum(key []byte, version byte, content []byte) uint32 {
	sum := crc32.Update(0, castagnoli, key)
	sum = crc32.Update(sum, castagnoli, content)
	return sum ^ uint32(version)<<24 ^ uint32(len(key)) // where the key ends counts, too
}
