package zk

import "fmt"

// Code is a server's answer to a request that it refused. Codes that are not listed here are possible too.
type Code int32

const (
	ErrSystem                  Code = -1
	ErrRuntimeInconsistency    Code = -2
	ErrDataInconsistency       Code = -3
	ErrConnectionLoss          Code = -4
	ErrMarshalling             Code = -5
	ErrUnimplemented           Code = -6
	ErrOperationTimeout        Code = -7
	ErrBadArguments            Code = -8
	ErrNewConfigNoQuorum       Code = -13
	ErrReconfigInProgress      Code = -14
	ErrUnknownSession          Code = -12
	ErrAPI                     Code = -100
	ErrNoNode                  Code = -101
	ErrNoAuth                  Code = -102
	ErrBadVersion              Code = -103
	ErrNoChildrenForEphemerals Code = -108
	ErrNodeExists              Code = -110
	ErrNotEmpty                Code = -111
	ErrSessionExpired          Code = -112
	ErrInvalidCallback         Code = -113
	ErrInvalidACL              Code = -114
	ErrAuthFailed              Code = -115
	ErrSessionMoved            Code = -118
	ErrNotReadOnly             Code = -119
	ErrEphemeralOnLocalSession Code = -120
	ErrNoWatcher               Code = -121
	ErrRequestTimeout          Code = -122
	ErrReconfigDisabled        Code = -123
	ErrSASLRequired            Code = -124
	ErrQuotaExceeded           Code = -125
	ErrThrottled               Code = -127
)

var codeNames = map[Code]string{
	ErrSystem:                  "system error",
	ErrRuntimeInconsistency:    "runtime inconsistency; in a Multi: another operation was refused",
	ErrDataInconsistency:       "data inconsistency",
	ErrConnectionLoss:          "connection loss",
	ErrMarshalling:             "marshalling error",
	ErrUnimplemented:           "unimplemented by this server, which may be older than ZooKeeper 3.5",
	ErrOperationTimeout:        "operation timeout",
	ErrBadArguments:            "bad arguments",
	ErrNewConfigNoQuorum:       "no quorum of the new configuration",
	ErrReconfigInProgress:      "another reconfiguration is in progress",
	ErrUnknownSession:          "unknown session",
	ErrAPI:                     "API error",
	ErrNoNode:                  "no node",
	ErrNoAuth:                  "not authorized",
	ErrBadVersion:              "bad version",
	ErrNoChildrenForEphemerals: "ephemeral nodes have no children",
	ErrNodeExists:              "node exists",
	ErrNotEmpty:                "node has children",
	ErrSessionExpired:          "session expired",
	ErrInvalidCallback:         "invalid callback",
	ErrInvalidACL:              "invalid ACL",
	ErrAuthFailed:              "authentication failed",
	ErrSessionMoved:            "session moved to another server",
	ErrNotReadOnly:             "server is read-only",
	ErrEphemeralOnLocalSession: "ephemeral node on a local session",
	ErrNoWatcher:               "no such watch",
	ErrRequestTimeout:          "request timeout",
	ErrReconfigDisabled:        "reconfiguration is disabled",
	ErrSASLRequired:            "authentication is required, by SASL or what else the server wants",
	ErrQuotaExceeded:           "quota exceeded",
	ErrThrottled:               "throttled: the server is overloaded",
}

// Error returns the code's meaning and number.
func (c Code) Error() string {
	if name, ok := codeNames[c]; ok {
		return fmt.Sprintf("%s (%d)", name, int32(c))
	}
	return fmt.Sprintf("server's error %d", int32(c))
}
