package wire

import "strconv"

// Opcode is the kind of a request.
type Opcode int32

const (
	OpCreate          Opcode = 1
	OpDelete          Opcode = 2
	OpExists          Opcode = 3
	OpGetData         Opcode = 4
	OpSetData         Opcode = 5
	OpGetACL          Opcode = 6
	OpSetACL          Opcode = 7
	OpGetChildren     Opcode = 8
	OpSync            Opcode = 9
	OpPing            Opcode = 11
	OpGetChildren2    Opcode = 12
	OpCheck           Opcode = 13
	OpMulti           Opcode = 14
	OpCreate2         Opcode = 15
	OpReconfig        Opcode = 16
	OpRemoveWatches   Opcode = 18
	OpCreateContainer Opcode = 19
	OpCreateTTL       Opcode = 21
	OpMultiRead       Opcode = 22
	OpAuth            Opcode = 100
	OpSetWatches      Opcode = 101
	OpSASL            Opcode = 102
	OpAddWatch        Opcode = 106
	OpWhoAmI          Opcode = 107
	OpCloseSession    Opcode = -11
	OpError           Opcode = -1 // in the reply to a Multi: an operation that was not done
)

var opcodeNames = map[Opcode]string{
	OpCreate:          "create",
	OpDelete:          "delete",
	OpExists:          "exists",
	OpGetData:         "getData",
	OpSetData:         "setData",
	OpGetACL:          "getACL",
	OpSetACL:          "setACL",
	OpGetChildren:     "getChildren",
	OpSync:            "sync",
	OpPing:            "ping",
	OpGetChildren2:    "getChildren2",
	OpCheck:           "check",
	OpMulti:           "multi",
	OpCreate2:         "create2",
	OpReconfig:        "reconfig",
	OpRemoveWatches:   "removeWatches",
	OpCreateContainer: "createContainer",
	OpCreateTTL:       "createTTL",
	OpMultiRead:       "multiRead",
	OpAuth:            "auth",
	OpSetWatches:      "setWatches",
	OpSASL:            "sasl",
	OpAddWatch:        "addWatch",
	OpWhoAmI:          "whoAmI",
	OpCloseSession:    "closeSession",
	OpError:           "error",
}

// String returns ZooKeeper's name of the opcode.
func (o Opcode) String() string {
	if name, ok := opcodeNames[o]; ok {
		return name
	}
	return "opcode " + strconv.Itoa(int(o))
}

// Writes reports whether a request may change the tree. A Multi counts as one even if it only checks.
func (o Opcode) Writes() bool {
	switch o {
	case OpCreate, OpDelete, OpSetData, OpSetACL, OpMulti, OpCreate2, OpReconfig, OpCreateContainer, OpCreateTTL:
		return true
	}
	return false
}
