//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/history"
	"github.com/zkstate/zkstate/store"
	"github.com/zkstate/zkstate/store/storeurl"
)

// evil is what somebody writes who wants to steer the terminal of whoever looks: SGR, a
// window title, line breaks, CSI as one character and as one byte, bidirectional and
// zero-width characters.
const evil = "\x1b[35m\x1b]0;owned\x07\r\n\t\x7f\u0085\u009b35m\u202e\u2066\u200f\u2028\u200b\ufeff\U000e0041"

// hostileStore has documents, records and journal entries with evil in every place that
// somebody else can write. Its environment is set.
func hostileStore(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	url := "sqlite:" + filepath.Join(dir, "state.db")
	t.Setenv(storeVariable, url)
	t.Setenv("TMPDIR", dir)
	t.Setenv("EDITOR", `sed -i "s/1/[1/;s/9/8/"`)
	t.Setenv("NO_COLOR", "1")
	s, err := storeurl.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	quoted, err := json.Marshal(evil)
	if err != nil {
		t.Fatal(err)
	}
	raw := `"` + strings.NewReplacer("\x1b", `\u001b`, "\x07", `\u0007`, "\r", `\r`, "\n", `\n`, "\t", `\t`).Replace(evil) + `"` // what JSON lets stand
	good := fmt.Sprintf(`{"a":%s,%s:{"n":9},"x":%s}`, raw, quoted, quoted)
	broken := fmt.Sprintf(`{%s:{"b":%s}`, quoted, evil+"\x9b35m")
	for path, doc := range map[string]string{"/good": good, "/other": `{"a":1}`, "/other\u202e": good, "/broken": broken} {
		if err := s.SetJournal(t.Context(), path, 10); err != nil {
			t.Fatal(err)
		}
		for n, entry := range hostileEntries(t, good) {
			var op store.Op = store.Create{Path: path, Data: []byte(doc)}
			if rec, err := s.Load(t.Context(), path, store.Version{}, store.Local); err == nil {
				op = store.Put{Path: path, Base: rec.Version, Data: []byte(doc + strings.Repeat(" ", n))}
			}
			if _, err := s.Commit(t.Context(), op, store.Append{Path: path, Data: entry}); err != nil {
				t.Fatal(err)
			}
		}
		record := strings.ReplaceAll(`{"id":E,"host":E,"app":E,"status":E,"reason":E,"receipt":E}`, "E", string(quoted))
		for id, data := range map[string]string{"one": record, "two": evil, "three": strings.Replace(record, `"status":`+string(quoted), `"status":"rejected"`, 1)} {
			if err := s.Announce(t.Context(), path, id, []byte(data)); err != nil {
				t.Fatal(err)
			}
		}
	}
	patch := fmt.Sprintf(`[{"op":%s,"path":%s}]`, quoted, quoted)
	if err := os.WriteFile("patch", []byte(patch), 0o600); err != nil {
		t.Fatal(err)
	}
}

func hostileEntries(t *testing.T, doc string) [][]byte {
	note := history.Note{
		Who: history.Who{ID: evil, Host: evil, App: evil, User: evil}, Reason: evil, Receipt: evil, Document: []byte(doc),
	}
	if err := json.Unmarshal([]byte(`[{"kind":"added","path":[`+strings.TrimSpace(mustJSON(t, evil))+`],"new":`+doc+`}]`), &note.Changes); err != nil {
		t.Fatal(err)
	}
	entry, err := note.Encode(store.MaxCommit)
	if err != nil {
		t.Fatal(err)
	}
	return [][]byte{entry, []byte(evil), []byte(`{"base":` + mustJSON(t, evil) + `}`), entry}
}

// TestUnreadableEntriesHideNoVersion: what cannot be read is no version 0.
func TestUnreadableEntriesHideNoVersion(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "state.db")
	t.Setenv(storeVariable, url)
	if code := run(t.Context(), []string{"create", "/doc", "1", "--history", "9"}, nil, io.Discard, io.Discard); code != 0 {
		t.Fatal(code)
	}
	s, err := storeurl.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, doc := range []string{"2", "3"} { // the document itself tells the version of the last entry
		rec, err := s.Load(t.Context(), "/doc", store.Version{}, store.Linearizable)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Commit(t.Context(), store.Put{Path: "/doc", Base: rec.Version, Data: []byte(doc)}, store.Append{Path: "/doc", Data: []byte("garbage")}); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"get", "/doc", "--at", "0"}, {"rollback", "/doc", "0"}} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), args, nil, &stdout, &stderr); code != 0 {
			t.Errorf("%q: %d, %s", args, code, stderr.String())
		}
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
