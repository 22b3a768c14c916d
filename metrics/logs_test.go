package metrics_test

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/zkstate/zkstate/metrics/internal/observing"
)

// logCall is one call of a logger.
type logCall struct {
	level, message, keys string
}

// TestLogs holds the table of messages, and that of keys, to what the source logs.
func TestLogs(t *testing.T) {
	page := observing.Page(t, "../docs/OBSERVING.md")
	var keys []string
	for _, row := range page.Table("key", "value") {
		keys = append(keys, observing.Code(row[0]))
	}
	var documented []logCall
	for _, row := range page.Table("level", "message", "keys", "what it means") {
		documented = append(documented, logCall{row[0], row[1], row[2]})
		for key := range strings.SplitSeq(row[2], ", ") {
			if !slices.Contains(keys, key) {
				t.Errorf("%q has the key %q, which is not one of the keys", row[1], key)
			}
		}
	}
	var found []logCall
	for _, dir := range []string{"..", "../store/zkstore", "../store/sqlitestore", "../store/memstore", "../internal/zk", "../internal/rounds"} {
		found = append(found, logCalls(t, dir)...)
	}
	order := func(a, b logCall) int {
		return cmp.Or(cmp.Compare(a.message, b.message), cmp.Compare(a.level, b.level), cmp.Compare(a.keys, b.keys))
	}
	slices.SortFunc(found, order)
	for _, call := range slices.Compact(found) {
		if !slices.Contains(documented, call) {
			t.Errorf("it is logged, and not in the table: %+v", call)
		}
	}
	for _, call := range documented {
		if !slices.Contains(found, call) {
			t.Errorf("it is in the table, and not logged: %+v", call)
		}
	}
}

// logCalls returns the calls of loggers in a package.
func logCalls(t *testing.T, dir string) (calls []logCall) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		positions := token.NewFileSet()
		tree, err := parser.ParseFile(positions, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && logs(call) {
				calls = append(calls, readCall(t, positions, call))
			}
			return true
		})
	}
	return calls
}

// logs reports whether a call is one of x.logger.Info(…) or x.log.Warn(…) and the like.
func logs(call *ast.CallExpr) bool {
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !slices.Contains([]string{"Debug", "Info", "Warn", "Error", "Log", "LogAttrs", "DebugContext", "InfoContext", "WarnContext", "ErrorContext"}, method.Sel.Name) {
		return false
	}
	switch on := method.X.(type) {
	case *ast.SelectorExpr:
		return on.Sel.Name == "logger" || on.Sel.Name == "log" || on.Sel.Name == "Logger"
	case *ast.Ident:
		return on.Name == "logger" || on.Name == "log" || on.Name == "slog"
	}
	return false
}

func readCall(t *testing.T, positions *token.FileSet, call *ast.CallExpr) logCall {
	literal := func(e ast.Expr) string {
		text := ""
		if lit, ok := e.(*ast.BasicLit); ok {
			text, _ = strconv.Unquote(lit.Value)
		}
		if text == "" {
			t.Errorf("%v: messages and keys are literals", positions.Position(e.Pos()))
		}
		return text
	}
	found := logCall{level: call.Fun.(*ast.SelectorExpr).Sel.Name, message: literal(call.Args[0])}
	var keys []string
	for i := 1; i < len(call.Args); i += 2 {
		keys = append(keys, literal(call.Args[i]))
	}
	found.keys = strings.Join(keys, ", ")
	return found
}
