package figures

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// Grid lays out rows of as many columns as the first, which is to the left; the
// others are to the right.
func Grid(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, text := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		fmt.Fprintf(&b, "%-*s", widths[0], row[0])
		for i, text := range row[1:] {
			fmt.Fprintf(&b, "  %*s", widths[i+1], text)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Between is a range.
func Between(low, high float64) string { return Number(low) + ".." + Number(high) }

// Number has three digits that matter, and a dash where there is no number.
func Number(f float64) string {
	switch {
	case math.IsNaN(f):
		return "-"
	case math.IsInf(f, 1):
		return "inf"
	case f >= 100 || f == 0:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.2f", f)
}
