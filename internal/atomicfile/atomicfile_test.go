package atomicfile_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/zkstate/zkstate/internal/atomicfile"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "file")
	for mode, text := range map[fs.FileMode]string{0o600: "one", 0o644: "", 0o440: "three"} {
		if err := atomicfile.Write(name, mode, []byte(text)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		info, _ := os.Stat(name)
		if err != nil || string(got) != text || info.Mode() != mode {
			t.Errorf("%q with %v, %v", got, info.Mode(), err)
		}
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink("file", link); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Write(link, 0o600, []byte("by the link")); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(name)
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 || string(got) != "by the link" {
		t.Errorf("the link is %v, %v, and the file %q", info, err, got)
	}
	names, _ := os.ReadDir(dir)
	if len(names) != 2 {
		t.Errorf("left behind: %v", names)
	}
}

func TestWriteRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := atomicfile.Write(dir, 0o600, nil); !errors.Is(err, atomicfile.ErrKind) {
		t.Errorf("a directory: %v", err)
	}
	if err := atomicfile.Write(os.DevNull, 0o600, nil); !errors.Is(err, atomicfile.ErrKind) {
		t.Errorf("a device: %v", err)
	}
	if err := atomicfile.Write(filepath.Join(dir, "none", "file"), 0o600, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	dangling := filepath.Join(dir, "dangling")
	if err := os.Symlink("nowhere", dangling); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Write(dangling, 0o600, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a link that leads nowhere: %v", err)
	}
}

// TestWriteIsWhole: a reader never sees a part of a text.
func TestWriteIsWhole(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	texts := [2][]byte{bytes.Repeat([]byte("a"), 1<<20), bytes.Repeat([]byte("b"), 1<<19)}
	if err := atomicfile.Write(name, 0o600, texts[0]); err != nil {
		t.Fatal(err)
	}
	var reader sync.WaitGroup
	stop := make(chan struct{})
	reader.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, texts[0]) && !bytes.Equal(got, texts[1]) {
				t.Errorf("read %d bytes that were never written together, %v", len(got), err)
				return
			}
		}
	})
	for i := range 50 {
		if err := atomicfile.Write(name, 0o600, texts[i%2]); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	reader.Wait()
}
