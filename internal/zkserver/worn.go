package zkserver

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/adler32"
	"os"
	"path/filepath"
	"time"

	"github.com/zkstate/zkstate/internal/zk/wire"
)

// logMagic begins a transaction log: ZKLG, version 2, database 0.
const logMagic = "ZKLG\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00"

// Wear is a node as very many changes would have left it.
type Wear struct {
	Path    string
	Data    []byte
	Version int32 // of its data
	Next    int32 // the number of its next sequential child, if that is more than it was
}

// Restore stops a server that stands alone, and starts it again with nodes, which exist,
// worn. It does that by transactions in its log, which the server reads as its own.
func (s *Server) Restore(worn ...Wear) error {
	s.Stop()
	records, err := s.Transactions()
	if err != nil {
		return err
	}
	var zxid uint64
	for _, record := range records {
		zxid = max(zxid, binary.BigEndian.Uint64(record[12:])) // behind session and cxid
	}
	if zxid == 0 {
		return errors.New("zkserver: nothing was written yet")
	}
	log := []byte(logMagic)
	first := zxid + 1
	for _, w := range worn {
		child := w.Path + "/worn"
		set := wire.AppendInt(wire.AppendBuffer(wire.AppendString(nil, w.Path), w.Data), w.Version)
		made := wire.AppendInt(wire.AppendBuffer(wire.AppendString(nil, child), nil), 0) // no ACL
		made = wire.AppendInt(wire.AppendBool(made, false), w.Next)
		for i, txn := range [][]byte{set, made, wire.AppendString(nil, child)} {
			zxid++
			opcode := []wire.Opcode{wire.OpSetData, wire.OpCreate, wire.OpDelete}[i]
			log = appendTransaction(log, zxid, opcode, txn)
		}
	}
	file := filepath.Join(s.dir, "data", "version-2", fmt.Sprintf("log.%x", first))
	if err := os.WriteFile(file, log, 0o644); err != nil {
		return err
	}
	return s.Restart()
}

func appendTransaction(log []byte, zxid uint64, opcode wire.Opcode, txn []byte) []byte {
	record := binary.BigEndian.AppendUint64(nil, 0)   // session
	record = binary.BigEndian.AppendUint32(record, 0) // cxid
	record = binary.BigEndian.AppendUint64(record, zxid)
	record = binary.BigEndian.AppendUint64(record, uint64(time.Now().UnixMilli()))
	record = binary.BigEndian.AppendUint32(record, uint32(opcode))
	record = append(record, txn...)
	log = binary.BigEndian.AppendUint64(log, uint64(adler32.Checksum(record)))
	log = binary.BigEndian.AppendUint32(log, uint32(len(record)))
	return append(append(log, record...), 'B')
}
