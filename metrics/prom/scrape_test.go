package prom_test

import (
	"bytes"
	"io"
	"maps"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/zkstate/zkstate/metrics/internal/observing"
	"github.com/zkstate/zkstate/metrics/internal/scenario"
	"github.com/zkstate/zkstate/metrics/prom"
)

// TestScrape: after everything has gone wrong, a scrape has every metric that the page
// names, and no other; every counter has counted; the alerts and the dashboard ask for
// nothing else; and no value of the document is seen.
func TestScrape(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(prom.NewCollector(scenario.Run(t)))
	text := scrape(t, registry)
	if bytes.Contains(text, []byte(scenario.Secret)) {
		t.Error("a value of the document is seen")
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	found, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	documented := make(map[string]bool)
	for _, figure := range observing.Page(t, "../../docs/OBSERVING.md").Figures() {
		documented[figure.Name] = true
		if family := found[figure.Name]; family != nil {
			check(t, figure, family)
		} else {
			t.Errorf("%s is not in the scrape", figure.Name)
		}
	}
	for name := range found {
		if !documented[name] {
			t.Errorf("%s is not on the page", name)
		}
	}
	for _, file := range []string{"alerts.yml", "../grafana/zkstate.json"} {
		asked(t, file, found)
	}
}

func scrape(t *testing.T, from prometheus.Gatherer) []byte {
	server := httptest.NewServer(promhttp.HandlerFor(from, promhttp.HandlerOpts{}))
	defer server.Close()
	answer, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != 200 {
		t.Fatalf("%s: %v: %s", answer.Status, err, text)
	}
	return text
}

// check holds a metric to its row.
func check(t *testing.T, figure observing.Figure, family *dto.MetricFamily) {
	if counter := family.GetType() == dto.MetricType_COUNTER; counter != figure.Counter {
		t.Errorf("%s is a %v", figure.Name, family.GetType())
	}
	values := make(map[string][]string)
	for _, m := range family.GetMetric() {
		labels := make(map[string]string)
		for _, pair := range m.GetLabel() {
			labels[pair.GetName()] = pair.GetValue()
			if !slices.Contains([]string{"store", "path"}, pair.GetName()) {
				values[pair.GetName()] = append(values[pair.GetName()], pair.GetValue())
			}
		}
		if got := slices.Sorted(maps.Keys(labels)); !slices.Equal(got, slices.Sorted(slices.Values(figure.Labels))) {
			t.Errorf("%s has the labels %v, and should have %v", figure.Name, got, figure.Labels)
		}
		if figure.Counter && m.GetCounter().GetValue() == 0 && figure.Name != "zkstate_history_replacements_total" { // that takes another server
			t.Errorf("%s%v has not counted", figure.Name, labels)
		}
	}
	for label, want := range figure.Values {
		if got := values[label]; !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
			t.Errorf("the label %s of %s is one of %v, and should be of %v", label, figure.Name, got, want)
		}
	}
}

// asked holds what a file asks for to what there is.
func asked(t *testing.T, file string, found map[string]*dto.MetricFamily) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`\bzkstate_\w+`).FindAllString(string(text), -1)
	if len(names) == 0 {
		t.Errorf("%s asks for nothing", file)
	}
	for _, name := range names {
		if found[name] == nil {
			t.Errorf("%s asks for %s, which is not in the scrape", file, name)
		}
	}
	if strings.HasSuffix(file, ".json") {
		for name := range found {
			if !slices.Contains(names, name) {
				t.Errorf("%s does not show %s", file, name)
			}
		}
	}
}
