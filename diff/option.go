package diff

// Option configures one call of [Diff] or [Merge].
type Option func(*options)

type options struct{ keys []string }

func newOptions(opts []Option) (o options) {
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// ByKey names members, such as "id" or "name", that identify the elements of lists:
// elements of the same identity are the same element, however else they changed, and
// elements of different identities are never taken for each other.
//
// It holds for each list whose elements, on both sides, are all objects with one of
// these members, the same one, the first in the order given, and where its values
// are strings or numbers that do not repeat within the list. All other lists
// compare by value.
func ByKey(names ...string) Option { return func(o *options) { o.keys = append(o.keys, names...) } }
