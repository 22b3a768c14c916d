package zk_test

import (
	"testing"

	"github.com/zkstate/zkstate/internal/zk"
	"github.com/zkstate/zkstate/internal/zk/wire"
)

// TestDataIsTheCallersOwn: what a reply brought stays as it is when later replies come.
func TestDataIsTheCallersOwn(t *testing.T) {
	server := func(p *peer) {
		if !p.accept() {
			return
		}
		for _, data := range []string{"first", "other", "third"} {
			node := concat(wire.AppendBuffer(nil, []byte(data)), statBytes())
			switch request, _ := p.next(); request.Opcode {
			case wire.OpGetData:
				p.reply(0, node...)
			case wire.OpMultiRead:
				p.reply(0, concat(multiPart(wire.OpGetData, node...), multiEnd)...)
			}
		}
		p.serve()
	}
	bubble(t, server, zk.Config{}, func(t *testing.T, _ *fake, client *zk.Client) {
		s := session(t, client)
		get, err := s.Call(t.Context(), zk.Get{Path: "/a"})
		if err != nil {
			t.Fatal(err)
		}
		multi, err := s.Call(t.Context(), zk.MultiRead{zk.Get{Path: "/a"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Call(t.Context(), zk.Get{Path: "/a"}); err != nil {
			t.Fatal(err)
		}
		if one, other := string(get.Data), string(multi.Results[0].Data); one != "first" || other != "other" {
			t.Errorf("they have become %q and %q", one, other)
		}
	})
}
