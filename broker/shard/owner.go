package shard

// Owner is the number of the shard that a client's session lives on, whatever
// protocol the client speaks: the two share one name space.
func Owner(clientID string, shards int) int {
	h := uint32(2166136261) // FNV-1a
	for i := range len(clientID) {
		h = (h ^ uint32(clientID[i])) * 16777619
	}
	return int(h % uint32(shards))
}
