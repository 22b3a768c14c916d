package zkstore

import "testing"

// TestRecordRemovedWhileAnnounced holds that the end of a record is noted which comes before
// the announcement that made it has returned, and that the keeper hears of it then: before, it
// may be that of a record that was never made.
func TestRecordRemovedWhileAnnounced(t *testing.T) {
	r := newRecords()
	rec := &record{full: "/a/listeners/x"}
	r.all[rec.full] = rec
	r.ended(rec.full)
	if len(r.wake) > 0 {
		t.Error("the keeper was woken for a record that was not announced yet")
	}
	if r.set(rec, []byte("{}")); len(r.wake) == 0 {
		t.Error("the keeper was not woken")
	}
	if !r.takeRemoved(rec) {
		t.Error("the end of a record that is being announced was not noted")
	}
	r.withdraw(rec.full)
	r.ended(rec.full)
	if r.takeRemoved(rec) {
		t.Error("the end of a record that is to go was noted")
	}
}
