package zkstate_test

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store/sqlitestore"
)

// countForEver is a process that increments, and says so after each acknowledgement.
func countForEver(file string) {
	ctx := context.Background()
	s, err := sqlitestore.Open(ctx, file, sqlitestore.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	st, err := zkstate.Open(ctx, s, "/app/config", config{}, zkstate.WithID("counter"))
	for n := 1; err == nil; n++ {
		if _, err = st.Update(ctx, bump); err == nil {
			fmt.Println(n)
		}
	}
	fmt.Println(err)
}

// TestCrashBeforeTheAcknowledgement kills a process that commits to a file, at
// whatever moment. What it had committed and could not tell any more, its receipt
// tells: it was written with the last commit.
func TestCrashBeforeTheAcknowledgement(t *testing.T) {
	for round := range 6 {
		file := filepath.Join(t.TempDir(), "state.db")
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), "ZKSTATE_TEST_COUNTER="+file)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		said := bufio.NewScanner(out)
		acknowledged := 0
		read := func() bool {
			if !said.Scan() {
				return false
			}
			if acknowledged, err = strconv.Atoi(said.Text()); err != nil {
				t.Errorf("it says %q", said.Text())
			}
			return err == nil
		}
		for range 10 {
			read()
		}
		time.Sleep(rand.N(10 * time.Millisecond)) // any moment will do
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for read() {
		}
		_ = child.Wait() // it was killed, and says so

		counted, receipt := inFile(t, file)
		number, err := strconv.Atoi(receipt[strings.LastIndexByte(receipt, '/')+1:])
		if err != nil || number != counted {
			t.Errorf("round %d: the receipt is %s, the counter %d", round, receipt, counted)
		}
		if counted < acknowledged || counted > acknowledged+1 {
			t.Errorf("round %d: the counter is %d after %d acknowledgements", round, counted, acknowledged)
		}
	}
}

// inFile returns the counter, and the receipt that the dead process left.
func inFile(t *testing.T, file string) (counted int, receipt string) {
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var doc, record []byte
	if err := db.QueryRow("SELECT d.body, l.body FROM documents d, listeners l WHERE l.id = 'counter'").Scan(&doc, &record); err != nil {
		t.Fatal(err)
	}
	var value config
	var listener struct{ Receipt string }
	if err := json.Unmarshal(doc, &value); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(record, &listener); err != nil {
		t.Fatal(err)
	}
	return value.Interval, listener.Receipt
}
