package pagetest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"testing"

	"github.com/zkstate/zkstate"
)

// hostile are texts that do something where they are taken for more than text.
var hostile = []string{
	`<img src=x onerror="window.harm=1">`,
	`"><script>window.harm=1</script>`,
	`</textarea></pre><svg onload="window.harm=1">`,
	`javascript:window.harm=1`,
	`{{constructor.constructor('window.harm=1')()}}`,
	"\u202e\u2066\u0007\u001b[31mred",
}

// Whatever others wrote into keys, values, names, reasons and listener records is text.
func TestHostileContentIsText(t *testing.T) {
	s := newSite(t, nil)
	members := map[string]any{"__proto__": hostile, "constructor": "toString"}
	for i, text := range hostile {
		members[text] = map[string]any{fmt.Sprint(i, text): text}
	}
	document, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	place := `/x/<img src=x onerror=window.harm=1>'"&amp;#%2F`
	s.call("POST", "documents"+place, "history=10&reason="+url.QueryEscape(hostile[0]), string(document))
	for _, text := range hostile {
		patch, err := json.Marshal(map[string]any{text: text, "last": text})
		if err != nil {
			t.Fatal(err)
		}
		s.call("PATCH", "documents"+place, "reason="+url.QueryEscape(text), string(patch))
	}
	for i, text := range hostile {
		id := fmt.Sprintf("listener-%d", i)
		record, err := json.Marshal(zkstate.Listener{ID: text, Host: text, App: text, Status: zkstate.ListenerStatus(text), Reason: text})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.store.Announce(t.Context(), place, id, record); err != nil {
			t.Fatal(err)
		}
	}
	w := newWindow(t, 1280, 800)
	route := url.PathEscape("x") + "/" + url.PathEscape(place[len("/x/"):])
	harmless := func(where string) {
		t.Helper()
		if eval[bool](w, `window.harm !== undefined || document.querySelector('main img, main script, main svg[onload], nav img, nav script') !== null`) {
			t.Errorf("%s: a text became more than text", where)
		}
	}
	w.open(s, "live/"+route)
	w.see(".row", "onerror")
	w.see("h1", place)
	s.call("PATCH", "documents"+place, "reason="+url.QueryEscape(hostile[1]), `{"last":{"<b onclick=1>":"<img src=x onerror=window.harm=1>"}}`)
	w.see(".row.changed-modified", "last")
	w.see(".recent .reason", "<script>")
	w.click(".row", "__proto__")
	harmless("live")
	if eval[bool](w, `/[\u202e\u2066\u001b]/.test(document.body.innerText)`) {
		t.Error("characters that turn the text around are shown as they are")
	}
	w.shoot("hostile-live")
	w.click("nav a", "Listeners")
	w.see(".listeners .reason", "onerror")
	harmless("listeners")
	w.click("nav a", "History")
	w.click(".entry", "<img")
	w.see(".entry-detail .reason", "onerror")
	w.click("summary", "What it was then")
	harmless("history")
	w.click("nav a", "Edit")
	w.typeOver(`"toString"`, `"<img src=x onerror=window.harm=1>"`)
	w.click("button", "Review and commit")
	w.see(".review .changes", "onerror")
	harmless("review")
	s.call("PATCH", "documents"+place, "", `{"constructor":"<svg onload=window.harm=1>"}`)
	w.click(".notice button", "Compare three ways")
	w.see(".three-ways td", "<svg onload")
	harmless("conflict")
	for _, text := range hostile { // what a crafted link can say
		w.open(s, "live/"+url.PathEscape(text))
		w.see("h1", "")
		harmless("a link")
	}
	w.open(s, "live/../../v1/server")
	w.see("main", "Choose a document")
}
