package store

// Op is one operation of a Commit: [Create], [Put] and [Delete] of a document,
// [Receipt], [Await], [Append], [Hold] and [Release].
type Op interface {
	// Target is the path of the document that the operation concerns.
	Target() string
	// size is what the operation adds to a transaction on the wire.
	size() int
}

// Create makes a document that must not exist yet, else [ErrExists].
type Create struct {
	Path string
	Data []byte
}

// Put replaces a document that must still be at Base, else [ErrConflict]
// ([ErrNotFound] if it is gone).
type Put struct {
	Path string
	Base Version
	Data []byte
}

// Delete removes a document that must still be at Base, else [ErrConflict]
// ([ErrNotFound] if it is gone).
type Delete struct {
	Path string
	Base Version
}

// Receipt is an Announce within the commit: the listener record that this handle
// owns gets new content in the same transaction. If the content is like no other
// that this record ever had, the store can find out what became of a commit whose
// answer was lost, and does. There is one in a commit at most. [ErrTaken] means that
// another handle owns the id.
type Receipt struct {
	Path string
	ID   string
	Data []byte
}

// Await says that somebody waits until the listeners have applied what the commit makes
// of the document: [Record.Awaited] tells them, and they report at once. It is advice. A
// backend that may not record it for want of rights does without, and a document that
// the commit deletes has no record of it.
type Await struct{ Path string }

// Append adds an entry to the document's journal, and removes the oldest ones that
// are beyond what it keeps. Where the journal is off it does nothing.
type Append struct {
	Path string
	Data []byte
}

// Hold lets the commit through only while this handle has the lock, else
// [ErrLockLost].
type Hold struct{ Lock Lock }

// Release is a Hold that gives the lock up in the same transaction.
type Release struct{ Lock Lock }

// Target implements [Op].
func (o Create) Target() string { return o.Path }

// Target implements [Op].
func (o Put) Target() string { return o.Path }

// Target implements [Op].
func (o Delete) Target() string { return o.Path }

// Target implements [Op].
func (o Receipt) Target() string { return o.Path }

// Target implements [Op].
func (o Await) Target() string { return o.Path }

// Target implements [Op].
func (o Append) Target() string { return o.Path }

// Target implements [Op].
func (o Hold) Target() string { return o.Lock.Path() }

// Target implements [Op].
func (o Release) Target() string { return o.Lock.Path() }

func (o Create) size() int  { return len(o.Path) + len(o.Data) }
func (o Put) size() int     { return len(o.Path) + len(o.Data) }
func (o Delete) size() int  { return len(o.Path) }
func (o Receipt) size() int { return len(o.Path) + len(o.ID) + len(o.Data) }
func (o Await) size() int   { return 2 * (len(o.Path) + 256) }
func (o Append) size() int  { return len(o.Path) + len(o.Data) }
func (o Hold) size() int    { return len(o.Target()) + 256 }
func (o Release) size() int { return len(o.Target()) + 256 }

// ChangesDocument reports whether op is one of a document itself.
func ChangesDocument(op Op) bool {
	switch op.(type) {
	case Create, Put, Delete:
		return true
	}
	return false
}

// Appends reports whether ops have an [Append] to the journal of path.
func Appends(ops []Op, path string) bool {
	for _, op := range ops {
		if op, ok := op.(Append); ok && op.Path == path {
			return true
		}
	}
	return false
}
