// The history as a time line: who, when, why, what it was then, and going back.
import { get, text, write } from './api.js'
import { confirmed } from './dialog.js'
import { difference } from './difference.js'
import { el, show } from './dom.js'
import { count, moment, person, short } from './format.js'
import { JSONError, parse, pretty } from './json.js'
import { changeList } from './live.js'
import { bars } from './plots.js'

const page = 100
const shownText = 200_000

// HistoryView shows the journal of a FollowedDocument.
export class HistoryView {
  constructor(followed, signal, { server }) {
    Object.assign(this, { followed, signal, server, newest: page, entries: [] })
    this.plot = el('div')
    this.list = el('ol', { class: 'entries' })
    this.more = el('button', { type: 'button', hidden: true, onclick: () => this.showMore() }, 'Older changes')
    this.detail = el('section', { class: 'entry-detail', 'aria-live': 'polite', 'aria-label': 'Chosen change' })
    this.element = el('div', { class: 'history' },
      el('div', { class: 'timeline', tabindex: '0', role: 'region', 'aria-label': 'Time line' }, this.plot, this.list, this.more), this.detail)
    followed.addEventListener('change', () => this.load(), { signal })
    this.load()
  }

  async load() {
    if (this.loading) {
      this.again = true
      return
    }
    this.loading = true
    try {
      const { entries } = await get('history', this.followed.path, { newest: this.newest }, { signal: this.signal })
      this.entries = entries.reverse()
      this.draw()
    } catch (error) {
      if (!this.signal.aborted) show(this.list, el('li', { class: 'muted' }, historyMissing(error)))
    }
    this.loading = false
    if (this.again) {
      this.again = false
      this.load()
    }
  }

  showMore() {
    this.newest = Math.min(10_000, this.newest * 4)
    this.load()
  }

  draw() {
    const times = this.entries.map((entry) => Date.parse(entry.time)).filter((time) => time > 0)
    show(this.plot, times.length > 1 ? bars(times, 'Changes') : null)
    const focused = this.list.contains(document.activeElement)
    show(this.list, this.entries.map((entry, i) => this.item(entry, i)))
    if (focused) this.list.querySelector('[aria-current="true"]')?.focus()
    this.more.hidden = this.entries.length < this.newest || this.newest >= 10_000
    if (!this.chosen && this.entries.length) this.choose(this.entries[0])
  }

  item(entry, i) {
    const chosen = this.chosen?.version === entry.version
    const button = el('button', {
      type: 'button', class: 'entry', 'aria-current': String(chosen), onclick: () => this.choose(entry),
    }, el('span', { class: 'entry-head' }, el('strong', {}, `Version ${short(entry.version)}`), i === 0 ? el('span', { class: 'badge good' }, 'now') : null,
      el('span', { class: 'muted' }, moment(entry.time))),
    el('span', {}, el('bdi', {}, person(entry)), ` · ${what(entry)}`),
    entry.reason ? el('span', { class: 'reason' }, entry.reason) : null)
    return el('li', { class: entry.external ? 'external' : '' }, button)
  }

  async choose(entry) {
    this.chosen = entry
    for (const button of this.list.querySelectorAll('.entry')) button.setAttribute('aria-current', 'false')
    this.list.children[this.entries.indexOf(entry)]?.firstChild.setAttribute('aria-current', 'true')
    const index = this.entries.indexOf(entry)
    const earlier = this.entries[index + 1]
    const then = entry.deleted ? null : await this.at(entry)
    const before = earlier && !earlier.deleted ? await this.at(earlier) : earlier ? null : undefined
    if (this.chosen === entry) this.drawDetail(entry, then, before)
  }

  // at reads what the document was, or the error that says why it is not known.
  async at(entry) {
    try {
      return (await text(this.followed.path, { at: entry.version }, this.signal)).text
    } catch (error) {
      return error
    }
  }

  drawDetail(entry, then, before) {
    const known = typeof then === 'string'
    const back = this.server.write && known && entry !== this.entries[0]
      ? el('button', { type: 'button', class: 'danger', onclick: () => this.goBack(entry, then) }, 'Go back to this version…') : null
    show(this.detail,
      el('h2', {}, `Version ${short(entry.version)}`, back),
      el('p', { class: 'muted' }, `${moment(entry.time)} · `, el('bdi', {}, person(entry)), el('br'), el('code', { class: 'version' }, entry.version)),
      entry.reason ? el('p', { class: 'reason' }, entry.reason) : null,
      el('h3', {}, 'What changed'),
      entry.truncated && !entry.changes?.length ? el('p', { class: 'muted' }, 'The changes were too large to be kept.') : changeList(entry.changes ?? []),
      known && typeof before === 'string' ? [difference(before, then, { label: 'Difference to the version before' })] : null,
      el('details', {}, el('summary', {}, 'What it was then'), known ? whole(then) : el('p', { class: 'muted' }, then === null ? 'It was deleted.' : then.message)),
      known ? this.sinceThen(then) : null)
  }

  sinceThen(then) {
    const place = el('div')
    return el('details', {
      ontoggle: async (event) => {
        if (!event.target.open) return
        try {
          const now = await text(this.followed.path, {}, this.signal)
          show(place, difference(then, now.text, { label: 'Difference to the document as it is now' }))
        } catch (error) {
          show(place, el('p', { class: 'muted' }, error.message))
        }
      },
    }, el('summary', {}, 'What changed since then'), place)
  }

  // goBack makes the document what it was, after it showed what that changes. It is based on
  // the document that was shown: if that has changed, nothing happens.
  async goBack(entry, then) {
    const now = await text(this.followed.path, { consistent: true }).catch(() => ({ text: null, version: '' }))
    await confirmed({
      title: `Go back to version ${short(entry.version)}?`, action: 'Go back', reason: true,
      body: [el('p', {}, 'This is a new change; the history stays. It does this to the document as it is now:'), difference(now.text, then, { label: 'What going back changes' })],
      carryOut: (reason) => write('POST', 'rollback', this.followed.path, { to: entry.version, reason }, { version: now.version }),
    })
  }
}

function what(entry) {
  if (entry.deleted) return 'deleted'
  if (entry.unreadable) return entry.unreadable
  if (entry.truncated && !entry.changes?.length) return 'changes not kept'
  return count(entry.changes?.length ?? 0, 'change')
}

function historyMissing(error) {
  return error.kind === 'not-found' ? 'No history is kept of this document. It is switched on with: zkstate history PATH --keep 100' : error.message
}

// whole shows a document, laid out.
function whole(document) {
  let shown = document
  try {
    shown = pretty(parse(document))
  } catch (error) {
    if (!(error instanceof JSONError)) throw error
  }
  return el('pre', { tabindex: '0', 'aria-label': 'The document as it was' }, shown.length > shownText ? `${shown.slice(0, shownText)}…` : shown)
}
