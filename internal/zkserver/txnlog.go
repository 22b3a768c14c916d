package zkserver

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"

	"github.com/zkstate/zkstate/internal/zk/wire"
)

// Sizes in a transaction log: of what comes first in the file, and of what comes before
// a transaction's own record, which begins with its header.
const (
	logFileHeader = 16
	logEntryHead  = 12 // checksum, length
	logTxnHeader  = 32 // session, cxid, zxid, time, type
)

var errTxnLog = errors.New("zkserver: a transaction log that cannot be read")

// Transactions returns the records of the transactions that the server has logged since
// it was made, in their order, without the Multis that were refused: of those it logs
// the operations before the one that failed.
func (s *Server) Transactions() (records [][]byte, err error) {
	files, err := filepath.Glob(filepath.Join(s.dir, "data", "version-2", "log.*"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		log, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if len(log) < logFileHeader {
			continue
		}
		for log = log[logFileHeader:]; len(log) > logEntryHead; {
			length := int(binary.BigEndian.Uint32(log[8:]))
			if length == 0 { // the file is longer than what was written
				break
			}
			if length < logTxnHeader || length >= len(log)-logEntryHead {
				return nil, errTxnLog
			}
			record := log[logEntryHead : logEntryHead+length]
			log = log[logEntryHead+length+1:] // and a byte that ends it
			if !refusedMulti(record) {
				records = append(records, record)
			}
		}
	}
	return records, nil
}

// refusedMulti reports whether a record is a Multi of which an operation failed.
func refusedMulti(record []byte) bool {
	if wire.Opcode(binary.BigEndian.Uint32(record[logTxnHeader-4:])) != wire.OpMulti {
		return false
	}
	rest := record[logTxnHeader:]
	if len(rest) < 4 {
		return false
	}
	count := int(binary.BigEndian.Uint32(rest))
	rest = rest[4:]
	for ; count > 0 && len(rest) >= 8; count-- {
		kind, length := int32(binary.BigEndian.Uint32(rest)), int(binary.BigEndian.Uint32(rest[4:]))
		if kind == int32(wire.OpError) {
			return true
		}
		if length > len(rest)-8 {
			return false
		}
		rest = rest[8+length:]
	}
	return false
}
