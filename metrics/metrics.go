package metrics

import (
	"math"
	"time"

	"github.com/zkstate/zkstate"
	"github.com/zkstate/zkstate/store"
)

// Metric says what a figure is called and means.
type Metric struct {
	Name    string
	Help    string
	Counter bool     // it only grows, as long as the program runs; else it is a gauge
	Labels  []string // store, and path if it is of a document, come first
}

// All returns every metric.
func All() (all []*Metric) {
	for i := range stateMetrics {
		all = append(all, &stateMetrics[i].Metric)
	}
	for i := range storeMetrics {
		all = append(all, &storeMetrics[i].Metric)
	}
	return all
}

// emit takes the value of a metric and of the labels beyond store and path.
type emit func(value float64, labels ...string)

// stateMetric is a metric of a document.
type stateMetric struct {
	Metric
	figures func(d *document, emit emit)
}

// storeMetric is a metric of a store.
type storeMetric struct {
	Metric
	figures func(h *handles, emit emit)
}

var stateMetrics = []stateMetric{
	{ofDocument(gauge, "zkstate_states", "States that are open, by the condition of their copy.", "condition"),
		func(d *document, emit emit) {
			for _, c := range []zkstate.Condition{zkstate.ConditionGood, zkstate.ConditionStale, zkstate.ConditionRejected, zkstate.ConditionDeleted} {
				emit(float64(d.conditions[c]), string(c))
			}
		}},
	{ofDocument(gauge, "zkstate_verified_age_seconds", "How long ago the store confirmed the copy last."),
		func(d *document, emit emit) { emit(seconds(d.VerifiedAge)) }},
	{ofDocument(gauge, "zkstate_max_staleness_seconds", "The age from which on Read refuses the copy."),
		func(d *document, emit emit) { emit(seconds(d.MaxStaleness)) }},
	{ofDocument(gauge, "zkstate_copy_age_seconds", "How long ago the copy got its version."),
		func(d *document, emit emit) { emit(seconds(d.CopyAge)) }},
	{ofDocument(gauge, "zkstate_version_order", "The place of the copy's version in the store's order of commits. Absent while the document is."),
		func(d *document, emit emit) {
			if d.known {
				emit(float64(d.order))
			}
		}},
	{ofDocument(counter, "zkstate_updates_total", "Calls of Update, Delete and Rollback that have ended, by result.", "result"),
		func(d *document, emit emit) {
			for _, r := range zkstate.UpdateResults() {
				emit(float64(d.Updates[r]), string(r))
			}
		}},
	{ofDocument(gauge, "zkstate_updates_queued", "Calls of Update, Delete and Rollback that have not ended."),
		func(d *document, emit emit) { emit(float64(d.Queued)) }},
	{ofDocument(counter, "zkstate_commits_total", "Commits that carried updates. One can carry many."),
		func(d *document, emit emit) { emit(float64(d.Commits)) }},
	{ofDocument(counter, "zkstate_conflicts_total", "Tries of a commit that ran again because another instance committed first."),
		func(d *document, emit emit) { emit(float64(d.Conflicts)) }},
	{ofDocument(counter, "zkstate_updates_not_applied_total", "Committed updates that not all listeners applied that they waited for."),
		func(d *document, emit emit) { emit(float64(d.NotApplied)) }},
	{ofDocument(counter, "zkstate_lock_waits_total", "Waits for a turn in the document's queue of writers."),
		func(d *document, emit emit) { emit(float64(d.LockWaits)) }},
	{ofDocument(counter, "zkstate_lock_wait_seconds_total", "How long these waits took together."),
		func(d *document, emit emit) { emit(seconds(d.LockWaited)) }},
	{ofDocument(gauge, "zkstate_lock_waiting_seconds", "How long the present wait has lasted, 0 if there is none."),
		func(d *document, emit emit) { emit(seconds(d.LockWaiting)) }},
	{ofDocument(counter, "zkstate_changes_delivered_total", "Change sets that subscribers took."),
		func(d *document, emit emit) { emit(float64(d.Delivered)) }},
	{ofDocument(counter, "zkstate_changes_folded_total", "Commits that subscribers got folded into a later one's change set."),
		func(d *document, emit emit) { emit(float64(d.Folded)) }},
	{ofDocument(counter, "zkstate_reports_total", "Writes of the listener record outside of commits, by result.", "result"),
		func(d *document, emit emit) { byResult(emit, d.Reports, d.ReportFailures) }},
	{ofDocument(gauge, "zkstate_unreported_states", "States whose listener record does not say yet what their copy is."),
		func(d *document, emit emit) { emit(float64(d.unreported)) }},
	{ofDocument(counter, "zkstate_looks_total", "Questions to the store about the document, by result.", "result"),
		func(d *document, emit emit) { byResult(emit, d.Looks-d.LookFailures, d.LookFailures) }},
	{ofDocument(counter, "zkstate_rejections_total", "Versions that were rejected."),
		func(d *document, emit emit) { emit(float64(d.Rejections)) }},
	{ofDocument(counter, "zkstate_history_replacements_total", "How often another history of the store was found in place of the one before."),
		func(d *document, emit emit) { emit(float64(d.Replacements)) }},
}

var storeMetrics = []storeMetric{
	{ofStore(gauge, "zkstate_store_handles", "Handles on the store."),
		func(h *handles, emit emit) { emit(float64(h.open)) }},
	{ofStore(gauge, "zkstate_store_connected_handles", "Handles that the store has answered lately."),
		func(h *handles, emit emit) { emit(float64(h.connected)) }},
	{ofStore(gauge, "zkstate_store_followed_documents", "Documents that somebody watches through these handles."),
		func(h *handles, emit emit) { emit(float64(h.Followed)) }},
	{ofStore(counter, "zkstate_store_connections_total", "Connections that were made."),
		func(h *handles, emit emit) { emit(float64(h.Connections)) }},
	{ofStore(counter, "zkstate_store_disconnections_total", "Connections that ended while they were wanted."),
		func(h *handles, emit emit) { emit(float64(h.Disconnections)) }},
	{ofStore(counter, "zkstate_store_sessions_lost_total", "Sessions that were lost, with their listener records and locks."),
		func(h *handles, emit emit) { emit(float64(h.SessionsLost)) }},
	{ofStore(counter, "zkstate_store_auth_failures_total", "Refusals of the handles' credentials."),
		func(h *handles, emit emit) { emit(float64(h.AuthFailures)) }},
	{ofStore(counter, "zkstate_store_requests_total", "Requests that were sent to the store."),
		func(h *handles, emit emit) { emit(float64(h.Requests)) }},
	{ofStore(counter, "zkstate_store_lost_watches_total", "Watches that the store lost, found and made up for by looking."),
		func(h *handles, emit emit) { emit(float64(h.LostWatches)) }},
	{ofStore(counter, "zkstate_store_rounds_total", "Verifications of all that is followed, by result. Consistent reads count too.", "result"),
		func(h *handles, emit emit) { byResult(emit, h.Rounds-h.RoundFailures, h.RoundFailures) }},
	{ofStore(counter, "zkstate_store_round_seconds_total", "How long the rounds took together that did not fail."),
		func(h *handles, emit emit) { emit(seconds(h.RoundTime)) }},
	{ofStore(counter, "zkstate_store_lost_answers_total", "Commits whose answer was lost, by what became of them.", "outcome"),
		func(h *handles, emit emit) {
			for _, r := range store.Resolutions() {
				emit(float64(h.Resolved[r]), string(r))
			}
		}},
}

const (
	counter = true
	gauge   = false
)

func ofDocument(counter bool, name, help string, labels ...string) Metric {
	return Metric{name, help, counter, append([]string{"store", "path"}, labels...)}
}

func ofStore(counter bool, name, help string, labels ...string) Metric {
	return Metric{name, help, counter, append([]string{"store"}, labels...)}
}

func byResult(emit emit, done, failed uint64) {
	emit(float64(done), "ok")
	emit(float64(failed), "failed")
}

// seconds is +Inf for what never was.
func seconds(d time.Duration) float64 {
	if d == math.MaxInt64 {
		return math.Inf(1)
	}
	return d.Seconds()
}
