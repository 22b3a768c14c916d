package zkserver

import "testing"

func TestCounts(t *testing.T) {
	s := Standalone(t)
	before, err := s.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if before.Znodes < 1 {
		t.Errorf("%+v: there are znodes on every server", before)
	}
	after, err := s.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := after.Since(before); got != (Counts{}) {
		t.Errorf("nobody asked anything, and counted was %+v", got)
	}
}

func TestParseCounts(t *testing.T) {
	const answer = "zk_version\t3.8\nzk_packets_received\t7\nzk_znode_count\t5\nzk_ephemerals_count\t1\nzk_watch_count\t2\n"
	got, err := parseCounts(answer)
	if want := (Counts{Requests: 7, Znodes: 5, Ephemerals: 1, Watches: 2}); got != want || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	for _, wrong := range []string{"", "not currently serving requests", "zk_watch_count\tmany\n"} {
		if got, err := parseCounts(wrong); err == nil {
			t.Errorf("%q: %+v", wrong, got)
		}
	}
}
