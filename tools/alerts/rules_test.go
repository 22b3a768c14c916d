// Package alerts holds the alert rules to their tests, as promtool does, and the queries of
// the dashboard to the language. promtool itself takes minutes to be built.
package alerts_test

import (
	"cmp"
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

const prom = "../../metrics/prom"

var language = parser.NewParser(parser.Options{})

// ruleTests is a file of promtool's.
type ruleTests struct {
	RuleFiles          []string       `yaml:"rule_files"`
	EvaluationInterval model.Duration `yaml:"evaluation_interval"`
	Tests              []struct {
		Name        string
		Interval    model.Duration
		InputSeries []inputSeries `yaml:"input_series"`
		AlertRules  []expectation `yaml:"alert_rule_test"`
	}
}

// expectation says which alerts of a name fire at a time.
type expectation struct {
	EvalTime  model.Duration `yaml:"eval_time"`
	Alertname string
	Alerts    []alert `yaml:"exp_alerts"`
}

type alert struct {
	Labels      map[string]string `yaml:"exp_labels"`
	Annotations map[string]string `yaml:"exp_annotations"`
}

// TestAlerts: every rule fires when its test says so, and only then, and has a row on the
// page of docs.
func TestAlerts(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(prom, "alerts_test.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var file ruleTests
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	var rules []rulefmt.Rule
	for _, name := range file.RuleFiles {
		groups, errs := rulefmt.ParseFile(filepath.Join(prom, name), false, model.UTF8Validation, language, slog.New(slog.DiscardHandler))
		for _, err := range errs {
			t.Fatal(err)
		}
		for _, g := range groups.Groups {
			rules = append(rules, g.Rules...)
		}
	}
	fired := make(map[string]bool)
	for _, test := range file.Tests {
		t.Run(test.Name, func(t *testing.T) {
			series := newStored(t, time.Duration(test.Interval), test.InputSeries)
			for _, want := range test.AlertRules {
				var got []alert
				for _, rule := range rules {
					if rule.Alert == want.Alertname {
						got = append(got, firing(t, rule, series, time.Duration(file.EvaluationInterval), time.Duration(want.EvalTime))...)
					}
				}
				fired[want.Alertname] = fired[want.Alertname] || len(got) > 0
				if !slices.EqualFunc(sorted(got), sorted(want.Alerts), equal) {
					t.Errorf("at %v %s fires for\n%v, want\n%v", want.EvalTime, want.Alertname, got, want.Alerts)
				}
			}
		})
	}
	page, err := os.ReadFile("../../docs/OBSERVING.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `(Zkstate\\w+)` \\| (\\w+) ").FindAllStringSubmatch(string(page), -1)
	for _, rule := range rules {
		if !fired[rule.Alert] {
			t.Errorf("no test has %s fire", rule.Alert)
		}
		documented := func(row []string) bool { return row[1] == rule.Alert && row[2] == rule.Labels["severity"] }
		if !slices.ContainsFunc(rows, documented) {
			t.Errorf("the page has no row of %s, or another severity", rule.Alert)
		}
	}
	runbook, err := os.ReadFile("../../docs/OPERATING.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range rules {
		_, anchor, _ := strings.Cut(rule.Annotations["runbook_url"], "docs/OPERATING.md#")
		if anchor != strings.ToLower(rule.Alert) || !regexp.MustCompile("(?m)^#+ "+rule.Alert+"$").Match(runbook) {
			t.Errorf("%s links to %q, and the runbook has no such heading", rule.Alert, anchor)
		}
	}
	for _, row := range rows {
		if !fired[row[1]] {
			t.Errorf("the page has a row of %s, of which there is no rule", row[1])
		}
	}
}

// firing returns the alerts of a rule that fire at a time, after evaluations from 0 on.
func firing(t *testing.T, rule rulefmt.Rule, series *stored, every, at time.Duration) (alerts []alert) {
	t.Helper()
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 100_000, Timeout: time.Minute, Parser: language})
	since := make(map[string]time.Duration)
	for now := time.Duration(0); now <= at; now += every {
		query, err := engine.NewInstantQuery(t.Context(), series, nil, rule.Expr, time.Unix(0, 0).Add(now))
		if err != nil {
			t.Fatalf("%s: %v", rule.Alert, err)
		}
		result := query.Exec(t.Context())
		vector, err := result.Vector()
		if err != nil {
			t.Fatalf("%s: %v", rule.Alert, err)
		}
		before := since
		since, alerts = make(map[string]time.Duration), nil
		for _, found := range vector {
			key := found.Metric.String()
			since[key] = now
			if begun, active := before[key]; active {
				since[key] = begun
			}
			if now-since[key] >= time.Duration(rule.For) {
				alerts = append(alerts, made(t, rule, found))
			}
		}
		query.Close()
	}
	return alerts
}

// made is the alert that a rule makes of what its expression found.
func made(t *testing.T, rule rulefmt.Rule, found promql.Sample) alert {
	t.Helper()
	a := alert{Labels: found.Metric.Map(), Annotations: make(map[string]string)}
	delete(a.Labels, model.MetricNameLabel)
	for key, text := range rule.Annotations {
		var out strings.Builder
		tmpl, err := template.New(key).Option("missingkey=error").Parse("{{$labels := .}}" + text)
		if err == nil {
			err = tmpl.Execute(&out, a.Labels)
		}
		if err != nil {
			t.Fatalf("%s, %s: %v", rule.Alert, key, err)
		}
		a.Annotations[key] = out.String()
	}
	maps.Copy(a.Labels, rule.Labels)
	return a
}

func sorted(alerts []alert) []alert {
	return slices.SortedFunc(slices.Values(alerts), func(a, b alert) int { return cmp.Compare(a.Labels["instance"], b.Labels["instance"]) })
}

func equal(a, b alert) bool {
	return maps.Equal(a.Labels, b.Labels) && maps.Equal(a.Annotations, b.Annotations)
}

// TestDashboard: every query can be read.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("../../metrics/grafana/zkstate.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	queries := 0
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			queries++
			expr := strings.ReplaceAll(target.Expr, "$__rate_interval", "5m")
			if _, err := language.ParseExpr(expr); err != nil {
				t.Errorf("%s: %s: %v", panel.Title, target.Expr, err)
			}
		}
	}
	if queries == 0 {
		t.Error("the dashboard queries nothing")
	}
}
