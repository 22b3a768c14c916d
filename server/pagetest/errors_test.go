package pagetest

import (
	"sync"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
)

// errorLog collects what must not happen in a page.
type errorLog struct {
	mu       sync.Mutex // guards problems
	problems []string
}

func (l *errorLog) add(problem string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.problems = append(l.problems, problem)
}

func (l *errorLog) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.problems
}

// listen takes the events of a window. Answers of the network that say no are part of
// many tests; each test looks at what the page makes of them.
func (l *errorLog) listen(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		l.add(exception(e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			l.add("console.error")
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
			l.add(string(e.Entry.Source) + ": " + e.Entry.Text)
		}
	case *page.EventJavascriptDialogOpening:
		l.add("a script opened a dialog: " + e.Message)
	}
}

func exception(details *runtime.ExceptionDetails) string {
	if details.Exception != nil && details.Exception.Description != "" {
		return details.Exception.Description
	}
	return details.Text
}
