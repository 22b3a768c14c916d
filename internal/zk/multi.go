package zk

import "github.com/zkstate/zkstate/internal/zk/wire"

// Multi does all operations in one transaction, or none. If it is refused, the error says the Index and the Code of
// the operation because of which. Its Results are those of the operations; those of Create have no Stat from most servers,
// but Czxid would be the Zxid of the reply.
type Multi []Op

// MultiRead answers all queries at one point of the server's history, since ZooKeeper 3.6. It succeeds whether or not
// they do: each Result has its own Err. It sets no watches.
type MultiRead []Query

func (Multi) opcode() wire.Opcode     { return wire.OpMulti }
func (MultiRead) opcode() wire.Opcode { return wire.OpMultiRead }

func (Multi) path() string     { return "" }
func (MultiRead) path() string { return "" }

func (m Multi) append(b []byte) []byte {
	for _, op := range m {
		b = op.append(appendMultiHeader(b, op.opcode(), false))
	}
	return appendMultiHeader(b, wire.OpError, true)
}

func (m MultiRead) append(b []byte) []byte {
	for _, query := range m {
		switch query := query.(type) {
		case Children: // the server knows no other kind here
			b = appendRead(appendMultiHeader(b, wire.OpGetChildren, false), query.Path, false)
		case Get:
			b = appendRead(appendMultiHeader(b, wire.OpGetData, false), query.Path, false)
		}
	}
	return appendMultiHeader(b, wire.OpError, true)
}

func appendMultiHeader(b []byte, opcode wire.Opcode, done bool) []byte {
	b = wire.AppendInt(b, int32(opcode))
	b = wire.AppendBool(b, done)
	return wire.AppendInt(b, -1)
}

// decode makes the first operation that was refused for a reason of its own the error of all.
func (m Multi) decode(d *wire.Decoder, reply *Reply, owned bool) {
	results := decodeResults(d, len(m), owned)
	if d.Err() != nil {
		return
	}
	reply.Results = make([]Result, len(m))
	for i, result := range results {
		if result.code != 0 && result.code != ErrRuntimeInconsistency {
			reply.Results = nil
			reply.Err = &Error{Op: m.opcode().String(), Path: m[i].path(), Outcome: Refused, Code: result.code, Index: i}
			return
		}
		reply.Results[i] = result.Result
	}
	// Without a reason the operations were done, unless the answer contradicts itself.
	for i, result := range results {
		if result.opcode == wire.OpError || !answers(result.opcode, m[i].opcode()) {
			d.Fail()
		}
	}
}

func (m MultiRead) decode(d *wire.Decoder, reply *Reply, owned bool) {
	results := decodeResults(d, len(m), owned)
	if d.Err() != nil {
		return
	}
	reply.Results = make([]Result, len(m))
	for i, result := range results {
		reply.Results[i] = result.Result
		if result.code != 0 {
			reply.Results[i].Err = &Error{Op: m[i].opcode().String(), Path: m[i].path(), Outcome: Refused, Code: result.code, Index: i}
		} else if !answers(result.opcode, m[i].opcode()) {
			d.Fail()
		}
	}
}

// answers reports whether a result of kind got can come of an operation of kind asked.
func answers(got, asked wire.Opcode) bool {
	switch asked {
	case wire.OpCreate2, wire.OpCreateContainer, wire.OpCreateTTL:
		return got == wire.OpCreate || got == wire.OpCreate2
	case wire.OpGetChildren2:
		return got == wire.OpGetChildren
	}
	return got == asked
}

// part is one operation's answer.
type part struct {
	Result
	opcode wire.Opcode
	code   Code
}

// decodeResults reads what a server answered to n operations.
func decodeResults(d *wire.Decoder, n int, owned bool) []part {
	parts := make([]part, 0, n)
	for d.Err() == nil {
		opcode, done := wire.Opcode(d.Int()), d.Bool()
		d.Int() // the error, which an OpError has again
		if done {
			break
		}
		if len(parts) == n {
			d.Fail()
			break
		}
		p := part{opcode: opcode}
		p.decode(d, owned)
		parts = append(parts, p)
	}
	if len(parts) != n {
		d.Fail()
	}
	return parts
}

func (p *part) decode(d *wire.Decoder, owned bool) {
	switch p.opcode {
	case wire.OpCreate:
		p.Path = d.String()
	case wire.OpCreate2:
		p.Path = d.String()
		p.Stat.decode(d)
	case wire.OpSetData:
		p.Stat.decode(d)
	case wire.OpDelete, wire.OpCheck:
	case wire.OpGetData:
		p.decodeData(d, owned)
	case wire.OpGetChildren:
		p.Children = decodeStrings(d)
	case wire.OpError:
		p.code = Code(d.Int())
	default:
		d.Fail()
	}
}
