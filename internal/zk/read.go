package zk

import (
	"bytes"

	"github.com/zkstate/zkstate/internal/zk/wire"
)

// Get brings a node's data and Stat. With Watch the next change of the data or the node's end is told once; if
// there is no node, no watch is set.
type Get struct {
	Path  string
	Watch bool
}

// Exists brings a node's Stat, or fails with ErrNoNode. With Watch the next change of the data, creation or end of
// the node is told once, whether or not there is a node now.
type Exists struct {
	Path  string
	Watch bool
}

// Children brings the names of a node's children and its Stat (no Stat in a MultiRead). With Watch the next child
// that comes or goes, or the node's end, is told once; if there is no node, no watch is set.
type Children struct {
	Path  string
	Watch bool
}

func (Get) query()      {}
func (Children) query() {}

func (Get) opcode() wire.Opcode      { return wire.OpGetData }
func (Exists) opcode() wire.Opcode   { return wire.OpExists }
func (Children) opcode() wire.Opcode { return wire.OpGetChildren2 }

func (r Get) path() string      { return r.Path }
func (r Exists) path() string   { return r.Path }
func (r Children) path() string { return r.Path }

func (r Get) append(b []byte) []byte      { return appendRead(b, r.Path, r.Watch) }
func (r Exists) append(b []byte) []byte   { return appendRead(b, r.Path, r.Watch) }
func (r Children) append(b []byte) []byte { return appendRead(b, r.Path, r.Watch) }

func appendRead(b []byte, path string, watch bool) []byte {
	return wire.AppendBool(wire.AppendString(b, path), watch)
}

func (Get) decode(d *wire.Decoder, reply *Reply, owned bool) { reply.decodeData(d, owned) }

func (Exists) decode(d *wire.Decoder, reply *Reply, _ bool) { reply.Stat.decode(d) }

func (Children) decode(d *wire.Decoder, reply *Reply, _ bool) {
	reply.Children = decodeStrings(d)
	reply.Stat.decode(d)
}

// decodeData reads a node's data and Stat.
func (r *Result) decodeData(d *wire.Decoder, owned bool) {
	r.Data = d.Buffer()
	if !owned {
		r.Data = bytes.Clone(r.Data)
	}
	r.Stat.decode(d)
}

// decode reads the record.
func (s *Stat) decode(d *wire.Decoder) {
	s.Czxid = d.Long()
	s.Mzxid = d.Long()
	s.Ctime = d.Long()
	s.Mtime = d.Long()
	s.Version = d.Int()
	s.Cversion = d.Int()
	s.Aversion = d.Int()
	s.EphemeralOwner = d.Long()
	s.DataLength = d.Int()
	s.NumChildren = d.Int()
	s.Pzxid = d.Long()
}

func decodeStrings(d *wire.Decoder) []string {
	strings := make([]string, d.Count(4))
	for i := range strings {
		strings[i] = d.String()
	}
	return strings
}
