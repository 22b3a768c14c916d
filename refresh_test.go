package zkstate

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestPaceEndsWithTheBurst: while many commits are made, looks keep apart; as soon as
// they come more slowly, every hint is followed at once.
func TestPaceEndsWithTheBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pace
		look := func(commits int) (waited time.Duration) {
			began := time.Now()
			p.wait(t.Context())
			p.saw(commits)
			return time.Since(began)
		}
		for range 20 { // a commit each millisecond
			time.Sleep(time.Millisecond)
			look(int(max(p.gap/time.Millisecond, 1)))
		}
		if p.gap != paceMax {
			t.Fatalf("in the burst looks are %v apart", p.gap)
		}
		time.Sleep(20 * time.Millisecond)
		look(3) // 50ms later, with a commit each 20ms
		for range 10 {
			time.Sleep(20 * time.Millisecond)
			if waited := look(1); waited > 0 {
				t.Errorf("a commit each 20ms, and a hint waits %v", waited)
			}
		}
	})
}
