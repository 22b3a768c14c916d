package jsoncopy

import (
	"encoding/json"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

type (
	host struct {
		Name  string `json:"name"`
		Ports []int  `json:"ports,omitempty"`
		Load  *float64
	}
	point struct{ X, Y int16 }
	mode  string
	flags []uint8

	zoo struct {
		Counter  uint64            `json:"counter"`
		Ratio    float32           `json:"ratio,omitempty"`
		Big      float64           `json:"big,omitzero"`
		Mode     mode              `json:"mode"`
		On       *bool             `json:"on"`
		Raw      []byte            `json:"raw"`
		Flags    flags             `json:"flags,omitempty"`
		Names    []string          `json:"names"`
		None     []string          `json:"none,omitempty"`
		Bare     []string          `json:"bare,omitzero"`
		Grid     [2][3]int         `json:"grid"`
		Lists    [2][]string       `json:"lists"`
		Labels   map[string]string `json:"labels"`
		Few      map[string]point  `json:"few,omitempty"`
		Zero     point             `json:"zero,omitzero"`
		Points   []point           `json:"points"`
		Hosts    []host            `json:"hosts"`
		ByMode   map[mode][]*host  `json:"by-mode"`
		ByNumber map[int8]*point   `json:"by_number"`
		A        int               `json:"a,omitempty"`
		Upper    int               `json:"A,omitempty"`
		Local    map[string]int    `json:"-"`
		hidden   []string
	}

	tree struct {
		Name string
		Kids []tree
		Left *tree
		More map[string]tree
	}

	nest []nest
)

// TestCopyIsARoundTrip: whatever is copied is as if it had been encoded and decoded.
func TestCopyIsARoundTrip(t *testing.T) {
	t.Run("zoo", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			value := rapid.Make[zoo]().Draw(t, "value")
			value.hidden = []string{"x"}
			checkCopy(t, value)
		})
	})
	t.Run("map", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) { checkCopy(t, rapid.Make[map[string][]host]().Draw(t, "value")) })
	})
	t.Run("list", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) { checkCopy(t, rapid.Make[[]point]().Draw(t, "value")) })
	})
	leaf := &tree{Name: "leaf"}
	checkCopy(t, tree{Name: "root", Kids: []tree{{}, *leaf}, Left: &tree{Left: leaf, Kids: []tree{}}, More: map[string]tree{"x": {Left: leaf}}})
	checkCopy(t, nest{nil, {}, {{}, nil}})
	checkCopy(t, 1)
	checkCopy(t, math.Copysign(0, -1))
	checkCopy(t, "<&>\u2028\U0001f600\ufffd")
	checkCopy[[]string](t, nil)
}

// failer is a test, or one of rapid's.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func checkCopy[T any](t failer, value T) {
	t.Helper()
	c := Of[T]()
	if c == nil {
		t.Fatalf("%T is not plain", value)
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatalf("%v", err)
	}
	var want T
	if err := json.Unmarshal(encoded, &want); err != nil {
		t.Fatalf("%v", err)
	}
	got := c.Copy(&value)
	if !Kept(encoded) {
		if !strings.Contains(string(encoded), `\ufffd`) {
			t.Fatalf("not kept: %s", encoded)
		}
		return
	}
	if !reflect.DeepEqual(*got, want) {
		t.Fatalf("%s\ncopied  %#v\ndecoded %#v", encoded, *got, want)
	}
	if !c.Same(got, c.Copy(got)) {
		t.Fatalf("%s: %#v is not the same as its copy", encoded, want)
	}
}

// TestCopySharesNothing: what is done to the copy is not done to the original.
func TestCopySharesNothing(t *testing.T) {
	full := func() zoo {
		on, load := true, 1.5
		h := &host{"h", []int{1}, &load}
		return zoo{
			On: &on, Raw: []byte("raw"), Flags: flags{1}, Names: []string{"n"}, None: []string{"n"}, Bare: []string{"b"},
			Lists: [2][]string{{"l"}, nil}, Labels: map[string]string{"k": "v"}, Few: map[string]point{"p": {1, 2}},
			Points: []point{{1, 2}}, Hosts: []host{*h}, ByMode: map[mode][]*host{"m": {h, h}}, ByNumber: map[int8]*point{1: {3, 4}},
		}
	}
	value := full()
	c := Of[zoo]()
	got := c.Copy(&value)
	*got.On, got.Raw[0], got.Flags[0], got.Names[0], got.None[0], got.Bare[0] = false, 'x', 9, "x", "x", "x"
	got.Lists[0][0], got.Labels["k"], got.Few["p"], got.Points[0].X = "x", "x", point{}, 9
	got.Hosts[0].Ports[0], *got.Hosts[0].Load, got.ByNumber[1].X = 9, 9, 9
	got.ByMode["m"][0].Ports[0] = 9
	if got.ByMode["m"][1].Ports[0] != 1 {
		t.Error("what was the same is not two of a kind")
	}
	if !reflect.DeepEqual(value, full()) {
		t.Errorf("the original is %#v", value)
	}
}

// TestSame: values that are the same are encoded alike, and two that are encoded alike are
// the same once both were decoded.
func TestSame(t *testing.T) {
	c := Of[zoo]()
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Make[zoo]().Draw(t, "a")
		b := *c.Copy(&a)
		if rapid.Bool().Draw(t, "another") {
			b = rapid.Make[zoo]().Draw(t, "b")
		} else {
			mutate(t, &b)
		}
		x, y := encodeOf(t, a), encodeOf(t, b)
		if same := string(x) == string(y); c.Same(&a, &b) && !same {
			t.Fatalf("the same:\n%s\n%s", x, y)
		}
		var p, q zoo
		if json.Unmarshal(x, &p) != nil || json.Unmarshal(y, &q) != nil {
			t.Fatalf("%s, %s", x, y)
		}
		if same := string(x) == string(y); c.Same(&p, &q) != same {
			t.Fatalf("same is %v:\n%s\n%s", !same, x, y)
		}
	})
}

// TestAssign: what is assigned is what is copied, and shares nothing with it.
func TestAssign(t *testing.T) {
	c := Of[zoo]()
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Make[zoo]().Draw(t, "a")
		b := *c.Copy(&a)
		if rapid.Bool().Draw(t, "another") {
			b = rapid.Make[zoo]().Draw(t, "b")
		} else {
			mutate(t, &b)
		}
		got, want := c.Copy(&a), c.Copy(&b)
		same := c.Same(got, want)
		if changed, ok := c.Assign(got, &b); !ok || changed == same || !reflect.DeepEqual(got, want) {
			t.Fatalf("changed is %v, %v:\n%#v; want\n%#v", changed, ok, got, want)
		}
		before := encodeOf(t, b)
		mutate(t, got)
		if after := encodeOf(t, b); string(before) != string(after) {
			t.Fatalf("the source is\n%s; it was\n%s", after, before)
		}
	})
	round := tree{Name: "round"}
	round.Left = &round
	kept := tree{Name: "kept", Kids: []tree{{}}}
	if changed, ok := Of[tree]().Assign(&kept, &round); changed || ok || kept.Name != "kept" {
		t.Errorf("%v, %v, now %v", changed, ok, kept.Name)
	}
	if changed, ok := Of[tree]().Assign(&kept, &tree{Name: "new"}); !changed || !ok || kept.Name != "new" || kept.Kids != nil {
		t.Errorf("%v, %v, now %v", changed, ok, kept)
	}
}

// TestPartsOfThemselves: values that have no end are not copied, whatever they go through.
func TestPartsOfThemselves(t *testing.T) {
	type folder map[string]folder
	list, entries, through := nest{nil}, folder{}, tree{More: map[string]tree{}}
	list[0], entries["self"] = list, entries
	through.More["self"] = through
	byPointer := tree{}
	byPointer.Left = &byPointer
	if Of[nest]().Copy(&list) != nil || Of[folder]().Copy(&entries) != nil || Of[tree]().Copy(&through) != nil || Of[tree]().Copy(&byPointer) != nil {
		t.Error("copied")
	}
	deep := nest{}
	for range maxDepth - 1 {
		deep = nest{deep}
	}
	if copied := Of[nest]().Copy(&deep); copied == nil || !Of[nest]().Same(copied, &deep) {
		t.Error("not copied, though it has an end")
	}
}

// mutate changes one value somewhere inside.
func mutate(t *rapid.T, z *zoo) {
	changes := []func(){
		func() { z.Counter++ },
		func() { z.Big = -z.Big },
		func() { z.Names = append(z.Names, "x") },
		func() { z.Names = nil },
		func() { z.Grid[1][2]++ },
		func() { z.Lists[1] = append(z.Lists[1], "") },
		func() { z.Labels = map[string]string{"k": "v"} },
		func() { z.Raw = append(z.Raw, 0) },
		func() { z.On = nil },
		func() {
			for _, h := range z.Hosts {
				if len(h.Ports) > 0 {
					h.Ports[0]++
				}
			}
		},
		func() {
			for k := range z.Few {
				z.Few[k] = point{X: z.Few[k].X + 1}
			}
		},
		func() {
			for _, list := range z.ByMode {
				for _, h := range list {
					if h != nil {
						h.Name += "x"
					}
				}
			}
		},
		func() {
			for _, p := range z.ByNumber {
				if p != nil {
					p.Y++
				}
			}
		},
	}
	changes[rapid.IntRange(0, len(changes)-1).Draw(t, "change")]()
}

func encodeOf(t *rapid.T, value zoo) []byte {
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// TestKept: a string that encoding changes is told, and none that seems to be.
func TestKept(t *testing.T) {
	for text, want := range map[string]bool{
		"a\xff": false, "\\\xff": false, `\\` + "\xff": false, `\ufffd` + "\xff": false,
		`\ufffd`: true, `\\ufffd`: true, `\ufffd\ufffd`: true, "\ufffd": true, "a": true,
	} {
		encoded, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		if Kept(encoded) != want {
			t.Errorf("%q is kept: %v", text, !want)
		}
	}
}

// TestNotPlain: types that encoding/json treats in a way of their own.
func TestNotPlain(t *testing.T) {
	refuse[any](t)
	refuse[json.Number](t)
	refuse[json.RawMessage](t)
	refuse[time.Time](t)
	refuse[big.Int](t)
	refuse[*[]int](t)
	refuse[**int](t)
	refuse[map[point]int](t)
	refuse[map[bool]int](t)
	refuse[map[[2]int]int](t)
	refuse[chan int](t)
	refuse[struct{ A func() }](t)
	refuse[struct{ A map[string]any }](t)
	refuse[struct{ A []time.Time }](t)
	refuse[struct{ A [1]time.Time }](t)
	refuse[struct{ A *time.Time }](t)
	refuse[struct{ A map[string]time.Time }](t)
	refuse[struct{ point }](t)
	refuse[struct {
		A int `json:"B"`
		B int
	}](t)
	refuse[struct {
		A int `json:",string"`
	}](t)
	refuse[struct {
		A int `json:"a.b"`
	}](t)
	refuse[struct {
		A []struct{ T tree }
		B chan int
	}](t)
}

func refuse[T any](t *testing.T) {
	t.Helper()
	if c := Of[T](); c != nil {
		t.Errorf("%v is plain", reflect.TypeFor[T]())
	}
}

// BenchmarkCopy is beside the detour it saves.
func BenchmarkCopy(b *testing.B) {
	value := zoo{Names: strings.Fields(strings.Repeat("/usr/lib/agents/worker* ", 16)), Mode: mode(strings.Repeat("x", 500))}
	encoded, err := json.Marshal(value)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("Copy", func(b *testing.B) {
		c := Of[zoo]()
		for b.Loop() {
			c.Copy(&value)
		}
	})
	b.Run("Same", func(b *testing.B) {
		c := Of[zoo]()
		other := c.Copy(&value)
		for b.Loop() {
			if !c.Same(&value, other) {
				b.Fatal("not the same")
			}
		}
	})
	b.Run("Unmarshal", func(b *testing.B) {
		for b.Loop() {
			var again zoo
			if err := json.Unmarshal(encoded, &again); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkRecords copies a list of records, whose document would have 64 KB.
func BenchmarkRecords(b *testing.B) {
	type record struct {
		ID     int      `json:"id"`
		Name   string   `json:"name"`
		Globs  []string `json:"globs"`
		Limits struct {
			CPU float64 `json:"cpu"`
			Mem int64   `json:"mem"`
		} `json:"limits"`
		Enabled bool `json:"enabled"`
	}
	records := make([]record, 546)
	for i := range records {
		records[i] = record{ID: i, Name: "service", Globs: []string{"systemd*", "rsync*"}}
	}
	c := Of[[]record]()
	b.Run("Copy", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.Copy(&records)
		}
	})
	b.Run("Assign", func(b *testing.B) {
		b.ReportAllocs()
		other := c.Copy(&records)
		for i := 0; b.Loop(); i++ {
			records[i%len(records)].ID++
			if changed, _ := c.Assign(other, &records); !changed {
				b.Fatal("not changed")
			}
		}
	})
}
