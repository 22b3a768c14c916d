package zkstore

import "github.com/zkstate/zkstate/internal/zk"

// dataVersion is an int32 that wraps, and as an expected version -1 means whatever is
// there. Of all nodes that are set, only one that was at -1 comes to 0. So a node is
// changed at -1 by a Set at any version and an operation that expects 0 behind it, in one
// Multi. Newer servers go from -2 to 0 (ZOOKEEPER-4743); nodes that were at -1 before stay there.

// setAt sets a node's data if it has that version. The result is that of the first.
func setAt(full string, data []byte, version int32) zk.Multi {
	set := zk.Set{Path: full, Data: data, Version: version}
	if version != zk.AnyVersion {
		return zk.Multi{set}
	}
	return zk.Multi{set, zk.Check{Path: full, Version: 0}}
}

// deleteAt removes a node if it has that version.
func deleteAt(full string, version int32) zk.Multi {
	if version != zk.AnyVersion {
		return zk.Multi{zk.Delete{Path: full, Version: version}}
	}
	return zk.Multi{zk.Set{Path: full, Version: zk.AnyVersion}, zk.Delete{Path: full, Version: 0}}
}

// checkAt holds if a node has that version. At -1 it also sets its data, which are
// given as they are.
func checkAt(full string, data []byte, version int32) zk.Multi {
	if version != zk.AnyVersion {
		return zk.Multi{zk.Check{Path: full, Version: version}}
	}
	return setAt(full, data, version)
}

// follows reports whether a node that had the version before has this one after one Set.
func follows(before, version int32) bool {
	return version == before+1 || before == -2 && version == 0
}
