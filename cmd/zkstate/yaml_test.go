package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/zkstate/zkstate/diff"
	"github.com/zkstate/zkstate/store"
)

func TestFromYAML(t *testing.T) {
	for text, want := range map[string]string{
		"a: 1\nb: [x, 'y']\n":                         `{"a":1,"b":["x","y"]}`,
		"9007199254740993":                            `9007199254740993`,
		"- 1.0\n- 1.10\n- -0\n- 1e400\n- +7\n- 007":   `[1.0,1.10,-0,1e400,7,7]`,
		"- .5\n- 1.\n- 1.e3\n- -.5E-2":                `[0.5,1.0,1.0e3,-0.5E-2]`,
		"- 0o17\n- 0x1F\n- 0xFFFFFFFFFFFFFFFFFFFF":    `[15,31,1208925819614629174706175]`,
		"- no\n- yes\n- on\n- y\n- NO":                `["no","yes","on","y","NO"]`,
		"- true\n- False\n- ~\n-\n- Null":             `[true,false,null,null,null]`,
		"- 2024-01-01\n- 2024-01-01T10:00:00Z":        `["2024-01-01","2024-01-01T10:00:00Z"]`,
		"- 1_000\n- 1:30\n- 0b1\n- .\n- 1.2.3\n- -x":  `["1_000","1:30","0b1",".","1.2.3","-x"]`,
		"- '5'\n- \"~\"\n- !!str 5\n- ! 6\n- |\n 7\n": `["5","~","5","6","7\n"]`,
		"- !!int '7'\n- !!float 1\n- !!null ''":       `[7,1,null]`,
		"- &x {k: [1]}\n- *x\n- *x":                   `[{"k":[1]},{"k":[1]},{"k":[1]}]`,
		"'1': a\n\"<<\": b\n'null': c":                `{"1":"a","<<":"b","null":"c"}`,
		"- <<\n- '<script>&'":                         `["<<","<script>&"]`,
		"# a comment\na: 1 # another\n":               `{"a":1}`,
		"\ufeffa: 1":                                  `{"a":1}`,
		`{"json": [1, 2.50, null, "\u00e9"]}`:         `{"json":[1,2.50,null,"é"]}`,
	} {
		got, err := fromYAML([]byte(text))
		if err != nil || string(got) != want {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestFromYAMLRefuses(t *testing.T) {
	bomb := "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := 1; i < 12; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 10), ","))
	}
	for _, c := range []struct {
		text, says string
		is         error
	}{
		{"", "no document", errYAML},
		{"# nothing\n", "no document", errYAML},
		{"a: 1\n---\nb: 2\n", "more than one", errYAML},
		{"a: 1\nb: 2\na: 3\n", "line 3: the key is there twice", errYAML},
		{"a: 1\n'a': 3\n", "line 2: the key is there twice", errYAML},
		{"x: &k a\n*k : 1\na: 2", "line 3: the key is there twice", errYAML},
		{"a: 1\n2: b\n", "line 2: a key must be a string", errYAML},
		{"true: b\n", "a key must be a string", errYAML},
		{"~: b\n", "a key must be a string", errYAML},
		{"? [a]\n: b\n", "not a list or an object", errYAML},
		{"a: &x {b: 1}\nc:\n  <<: *x\n", "line 3: merge keys", errYAML},
		{"a: .inf\n", "infinite", errYAML},
		{"a: -.INF\n", "infinite", errYAML},
		{"a: .nan\n", "NaN", errYAML},
		{"a: !secret hidden\n", "tag", errYAML},
		{"a: !!binary aGlkZGVu\n", "tag", errYAML},
		{"a: !!int hidden\n", "tag", errYAML},
		{"a: !!set {hidden}\n", "tag", errYAML},
		{"a: !!map [hidden]\n", "tag", errYAML},
		{"&a [*a]\n", "contains itself", errYAML},
		{strings.Repeat("[", 200) + strings.Repeat("]", 200), "nested deeper", errYAML},
		{"a: [hidden\n", "line", errYAML},
		{"a: *hid\n", "unknown anchor", errYAML},
		{"a: \xff\n", "", errYAML},
		{bomb, "aliases", store.ErrTooLarge},
		{"a: " + strings.Repeat("x", maxYAML), "", store.ErrTooLarge},
	} {
		got, err := fromYAML([]byte(c.text))
		if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%.40q gives %.40q, %v", c.text, got, err)
		}
	}
}

func TestToYAML(t *testing.T) {
	for doc, want := range map[string]string{
		`{"z":9007199254740993,"a":1.0,"e":1E+400}`:      "z: 9007199254740993\na: 1.0\ne: 1E+400\n",
		`{"a":[],"b":{},"c":null,"d":true}`:              "a: []\nb: {}\nc: null\nd: true\n",
		`["no","Y","1:30","5","2024-01-01","","x","~"]`:  "- \"no\"\n- \"Y\"\n- \"1:30\"\n- '5'\n- '2024-01-01'\n- ''\n- x\n- '~'\n",
		`{"processes":["systemd*"],"text":"two\nlines"}`: "processes:\n- systemd*\ntext: |-\n  two\n  lines\n",
		`"plain"`: "plain\n",
	} {
		got, err := toYAML([]byte(doc))
		if err != nil || strings.ReplaceAll(string(got), "\n  - ", "\n- ") != want {
			t.Errorf("%s is %q, %v; want %q", doc, got, err, want)
		}
	}
}

// TestYAMLThereAndBack: whatever a document holds, its YAML is the same document.
func TestYAMLThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := []byte(drawJSON(t, 3))
		text, err := toYAML(doc)
		if err != nil {
			t.Fatalf("%s: %v", doc, err)
		}
		back, err := fromYAML(text)
		if err != nil {
			t.Fatalf("%s as %q: %v", doc, text, err)
		}
		if same, err := diff.Equal(doc, back); err != nil || !same {
			t.Fatalf("%s as %q came back as %s, %v", doc, text, back, err)
		}
	})
}

func drawJSON(t *rapid.T, depth int) string {
	kinds := 3
	if depth > 0 {
		kinds = 5
	}
	switch rapid.IntRange(0, kinds).Draw(t, "kind") {
	case 0:
		return rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][-+]?[0-9]{1,3})?`).Draw(t, "number")
	case 1:
		return rapid.SampledFrom([]string{"true", "false", "null"}).Draw(t, "word")
	case 2:
		return jsonString(rapid.String().Draw(t, "text"))
	case 3:
		return jsonString(rapid.StringMatching(`([-:,#&*!|>'"%@{}\[\] \n\t.0-9xoa-fynYN=~<]|no|null|\?){0,8}`).Draw(t, "trap"))
	case 4:
		var elements []string
		for range rapid.IntRange(0, 4).Draw(t, "length") {
			elements = append(elements, drawJSON(t, depth-1))
		}
		return "[" + strings.Join(elements, ",") + "]"
	}
	members := make(map[string]string)
	for range rapid.IntRange(0, 4).Draw(t, "members") {
		members[drawKey(t)] = drawJSON(t, depth-1)
	}
	var text []string
	for key, value := range members {
		text = append(text, key+":"+value)
	}
	return "{" + strings.Join(text, ",") + "}"
}

func drawKey(t *rapid.T) string {
	return jsonString(rapid.StringMatching(`([-:,#&*!|>'"%@{}\[\] \n\t.0-9xoa-fynYN=~<]|no|null|\?){0,6}`).Draw(t, "key"))
}

// FuzzFromYAML: whatever somebody writes is a document, or an error that says so; and what
// was read is the same when it is written and read again.
func FuzzFromYAML(f *testing.F) {
	for _, text := range []string{"a: &x [1, 1.0]\nb: *x\n", "? [a]\n: b\n", "- |\n  x\n- >-\n y\n", "&a [*a]", "%YAML 1.2\n---\n{\"a\": ~}\n...\n", "!!str 1", "<<: 1", "\xff\xfea\x00"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, err := parseText(text, "", "yaml")
		if err != nil {
			return
		}
		again, err := toYAML(doc)
		if err != nil {
			t.Fatalf("%s: %v", doc, err)
		}
		back, err := parseText(again, "", "yaml")
		if err != nil {
			t.Fatalf("%s as %q: %v", doc, again, err)
		}
		if same, err := diff.Equal(doc, back); err != nil || !same {
			t.Fatalf("%s as %q came back as %s, %v", doc, again, back, err)
		}
	})
}
