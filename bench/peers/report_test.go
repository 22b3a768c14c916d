package peers

import (
	"strings"
	"testing"
)

func TestParseReport(t *testing.T) {
	r, err := ParseReport([]byte("noise\n" + `{"acks":30,"unknown":1,"counter":31,"seconds":1.5,"each":[10,20],"client":"5.4.0"}` + "\n\n"))
	if err != nil {
		t.Fatal(err)
	}
	if r.Acks != 30 || r.Unknown != 1 || r.Counter != 31 || len(r.Each) != 2 || r.Rate() != 20 {
		t.Errorf("%+v", r)
	}
	if _, err := ParseReport([]byte(`{"acks":1,"counter":1,"seconds":1}`)); err != nil {
		t.Errorf("without the optional fields: %v", err)
	}
}

func TestParseReportRefuses(t *testing.T) {
	for output, want := range map[string]string{
		"":                                     "no report",
		" \n\n":                                "no report",
		"{}\nException in thread":              "is no report",
		`{"acks":1,"counter":1}`:               "no time",
		`{"acks":-1,"seconds":1}`:              "negative",
		`{"unknown":-1,"seconds":1}`:           "negative",
		`{"acks":1,"seconds":1,"each":[2,-1]}`: "negative",
		`{"acks":3,"seconds":1,"each":[1,1]}`:  "make 2, not 3",
	} {
		if _, err := ParseReport([]byte(output)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", output, err, want)
		}
	}
}

func TestVerify(t *testing.T) {
	r := Report{Acks: 10, Unknown: 2}
	for counter, good := range map[int64]bool{9: false, 10: true, 12: true, 13: false} {
		if err := r.Verify(counter); (err == nil) != good {
			t.Errorf("%d: %v", counter, err)
		}
	}
}
