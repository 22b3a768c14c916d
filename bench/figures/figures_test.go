package figures

import (
	"math"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	if got := Median([]float64{9, 1, 5}); got != 5 {
		t.Errorf("of three: %v", got)
	}
	if got := Median([]time.Duration{4, 1, 2, 9}); got != 3 {
		t.Errorf("of four: %v", got)
	}
	if got := Median([]float64{7}); got != 7 {
		t.Errorf("of one: %v", got)
	}
	if got := Median[float64](nil); got != 0 {
		t.Errorf("of none: %v", got)
	}
	values := []float64{3, 1, 2}
	if Median(values); values[0] != 3 {
		t.Error("it sorted the caller's")
	}
}

func TestDivide(t *testing.T) {
	got := Divide([]float64{100, 300, 200}, []float64{10, 20, 40})
	if want := (Quotient{Value: 10, Low: 5, High: 15}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestNumber(t *testing.T) {
	for f, want := range map[float64]string{0: "0", 1.234: "1.23", 12.34: "12.3", 123.4: "123", 123456: "123456", math.Inf(1): "inf", math.NaN(): "-"} {
		if got := Number(f); got != want {
			t.Errorf("%v is %s, want %s", f, got, want)
		}
	}
}
