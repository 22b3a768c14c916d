// Package diff compares two JSON documents and gives the changes between them, in
// order, and applies and inverts them.
//
// It works on JSON text. Numbers keep their digits: 9007199254740993 is not
// rounded, and 1 and 1.0 are two different values. Strings compare decoded, and the
// order of keys and white space do not count.
//
// Documents are checked strictly: what two readers could read differently (a key
// twice, text that is not UTF-8, half a surrogate pair) is an error, and so is
// nesting deeper than [MaxDepth]; the error says where. No input makes the package
// panic, and its memory is a small multiple of the input: [Check] needs next to none,
// what builds a document 24 bytes for each value and key in it, and the worst pair of
// documents that is known less than 200 bytes a byte, most of it for the changes
// themselves.
//
// What the texts of two documents have in common at both ends is checked once and
// never built, so that a small change in a large document costs little more than
// looking at the document once.
//
// Everything takes time in proportion to the input, but for keys that changed and
// lists whose elements moved, which take n log n, and for lists in which a few
// elements recur over and over: those are compared within 2^24 steps for each call,
// after which a difference is still right, but no longer the shortest. No input costs
// quadratic time or memory. The changes of a list are as many as elements came and
// went; what moved went and came. [ByKey] tells elements apart by what identifies them.
//
// Changes are also read and written as JSON Patch (RFC 6902): [ToPatch], [ParsePatch].
// [MergePatch] applies a JSON Merge Patch (RFC 7396).
//
// All functions are pure and may be called concurrently. They never write to their
// arguments; what they return may share memory with them.
package diff
