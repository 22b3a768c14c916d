package main

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

func TestToTOML(t *testing.T) {
	const doc = `{"n":9007199254740993,"f":1.0,"s":"a\n\"b\"","on":true,"l":[1,"x",{"y":[2]}],"t":{"u":{"v":-0.5}},"e":[],"o":{}}`
	text, err := toTOML([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "n = 9007199254740993\n") || !strings.Contains(string(text), "f = 1.0\n") {
		t.Errorf("numbers are not kept: %s", text)
	}
	var back map[string]any
	if err := toml.Unmarshal(text, &back); err != nil || back["s"] != "a\n\"b\"" {
		t.Errorf("it reads as %v, %v", back, err)
	}
	for doc, says := range map[string]string{
		`[1]`:                             "an object only",
		`{"a":{"b":[1,null]}}`:            "/a/b/1 is null",
		`{"a":9223372036854775808}`:       "/a has more than the 64 bits",
		`{"a":1e999,"s":"not in errors"}`: "/a is too large",
	} {
		if _, err := toTOML([]byte(doc)); !errors.Is(err, errForm) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", doc, err)
		}
	}
}

// TestToEnv has sh read what is written.
func TestToEnv(t *testing.T) {
	const doc = `{"db":{"host":"h-1.example","port":5432},"list":["a b","$(date) ` + "`date`" + ` \\ \" ' \n!"],"none":null,"f":1.0,"on":true,"e":[],"é-x":"ü"}`
	text, err := toEnv([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	const want = "h-1.example|5432|a b|$(date) `date` \\ \" ' \n!||1.0|true|ü\n"
	script := string(text) + `printf '%s\n' "$DB_HOST|$DB_PORT|$LIST_0|$LIST_1|$NONE|$F|$ON|$__X"`
	got, err := exec.Command("sh", "-uc", script).Output()
	if err != nil || string(got) != want {
		t.Errorf("sh reads %q, %v from\n%s", got, err, text)
	}
	if !strings.Contains(string(text), "DB_PORT=5432\n") {
		t.Errorf("what needs no quotes has some:\n%s", text)
	}
	for doc, says := range map[string]string{
		`5`:                        "no name",
		`[5]`:                      "no name",
		`{"1":"x"}`:                "no name",
		`{"":"x"}`:                 "no name",
		`{"a-b":1,"a":{"b":2}}`:    "/a-b and /a/b have the same name A_B",
		`{"a":"hidden\u0000text"}`: "/a has a NUL",
	} {
		if _, err := toEnv([]byte(doc)); !errors.Is(err, errForm) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v", doc, err)
		}
	}
}

func TestFormOf(t *testing.T) {
	for file, want := range map[string]string{
		"a.json": "json", "/etc/a.YML": "yaml", "a.yaml": "yaml", "a.toml": "toml", "app.env": "env", ".env": "env",
		"config": "", "a.conf": "", "": "",
	} {
		if got := formOf(file); got != want {
			t.Errorf("%s is %q, want %q", file, got, want)
		}
	}
}
