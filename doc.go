// Package zkstate shares one typed struct between any number of instances of an
// application: over ZooKeeper, over an SQLite file on one machine, and over memory
// in tests.
//
// The struct is one JSON document in a store. Every instance holds a local copy
// that follows it; whoever changes the document, with this package or with any
// other tool, changes it for all, and every instance is told what changed, path by
// path.
//
//	s, err := storeurl.Open(ctx, "zk://zk1,zk2,zk3") // or "sqlite:app.db", or "mem:"
//	st, err := zkstate.Open(ctx, s, "/agents/config", Config{Interval: 5})
//
//	config, err := st.Read()                       // at most 30 s old, never waits
//	config, version, err := st.ReadConsistent(ctx) // linearizable
//	version, err = st.Update(ctx, func(c *Config) error {
//		c.Processes = append(c.Processes, "firefox*")
//		return nil
//	})
//	for event, err := range st.Watch(ctx) { // the present value, and then every change
//		fmt.Println(event.Value, event.Changes.Changes, err) // + /processes/2 "firefox*"
//	}
//
// # Reads
//
// [State.Read] serves the local copy if the store confirmed it within [WithMaxStaleness],
// 30 s if nothing else is said, and fails otherwise. [State.ReadConsistent] is
// linearizable: it sees every update that finished before it began, whatever server
// fails or leads meanwhile. [State.Snapshot] returns what there is and says how
// old it is. Versions that one State shows never go backwards, unless the store's history is
// replaced by an older one, which the [ChangeSet] says.
//
// # Updates
//
// [State.Update] runs a function on a deep copy of the latest value and commits the
// result if nobody committed in between, else it runs the function again. Updates
// are totally ordered; none is lost. Fields of the stored document that the struct
// does not know survive. In lists it takes a field that identifies the elements for
// this to hold even if some go, move and change in one update; it is tagged:
//
//	ID string `json:"id" zkstate:"key"`
//
// Updates that wait for each other share a commit, and instances that contend take
// turns; under [Exclusive] a function runs while no other exclusive one does, anywhere, as
// long as its session lasts. A commit whose answer was lost is found out to be applied or
// not, by the receipt that it left in the writer's own listener record. [WaitAll] waits until others have it.
//
// With [WithHistory] every commit is journaled, with who and why, in its own transaction;
// [State.At] and [State.Rollback] go back.
//
// # Changes
//
// [State.Watch] gives the value, its version, what changed and the condition of the document
// together, so that one loop is all that a program needs. [State.Changes] and
// [State.OnChange] give the differences between committed documents only, and [Select] a
// value that is derived from the document, whenever it changed. All are in commit order. A
// slow subscriber gets fewer and larger sets, and loses nothing.
//
// # When things go wrong
//
// A document that is not a good T (broken JSON, a wrong type, refused by the type's
// Validate method) does not replace the last good copy and does not keep it fresh;
// the next good document heals it. A store that is away is followed again when it is
// back. [State.Listeners] tells which instances have the document open and what each has
// applied.
package zkstate
