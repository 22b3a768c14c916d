// Who has the document open, on which version, who is behind or rejects it and why.
import { el, show } from './dom.js'
import { condition, inUse } from './document.js'
import { count, moment, short } from './format.js'
import { spread } from './plots.js'

const shownRows = 500

// ListenersView shows the listeners of a FollowedDocument.
export class ListenersView {
  constructor(followed, signal) {
    this.followed = followed
    this.summary = el('p', { role: 'status' })
    this.plot = el('div')
    this.table = el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Listeners' })
    this.element = el('div', { class: 'listeners padded' }, this.summary, this.plot, this.table)
    for (const name of ['listeners', 'change']) followed.addEventListener(name, () => this.draw(), { signal })
    this.draw()
  }

  draw() {
    const { listeners, latencies } = this.followed
    show(this.summary, tally(listeners))
    const ordered = [...listeners].sort((a, b) => urgency(b) - urgency(a) || (a.id < b.id ? -1 : 1))
    show(this.table, listeners.length ? table(ordered.slice(0, shownRows)) : null,
      ordered.length > shownRows ? el('p', { class: 'muted' }, `and ${ordered.length - shownRows} more`) : null)
    const known = listeners.filter((listener) => latencies.has(listener.id)).map((listener) => latencies.get(listener.id))
    show(this.plot, known.length ? spread(known, 'From the newest commit to its use, as seen here') : null)
  }
}

const urgency = (listener) => inUse(listener) ? 0 : listener.status === 'applied' ? 1 : 2

// tally says in a sentence how many listeners there are and what they do.
export function tally(listeners) {
  if (listeners.length === 0) return 'Nobody has it open.'
  const using = listeners.filter(inUse).length
  const behind = listeners.filter((listener) => listener.status === 'applied' && listener.behind).length
  const parts = [`${using} of ${count(listeners.length, 'listener')} on the newest version`]
  if (behind) parts.push(`${behind} behind`)
  for (const status of ['rejected', 'deleted', 'lost', 'unknown']) {
    const n = listeners.filter((listener) => listener.status === status).length
    if (n) parts.push(`${n} ${status}`)
  }
  return `${parts.join(', ')}.`
}

const columns = ['State', 'Version', 'Program', 'Host', 'Since']

function table(listeners) {
  const head = ['Listener', ...columns].map((name) => el('th', { scope: 'col' }, name))
  return el('table', { class: 'wide' }, el('thead', {}, el('tr', {}, head)), el('tbody', {}, listeners.map(row)))
}

function row(listener) {
  const state = condition(listener)
  const cells = [
    [el('span', { class: `badge ${inUse(listener) ? 'good' : listener.status === 'applied' ? 'late' : 'bad'}` }, state),
      listener.reason ? el('p', { class: 'reason' }, listener.reason) : null],
    [short(listener.applied ?? '–')],
    [el('bdi', {}, listener.app ?? ''), listener.pid ? el('span', { class: 'muted' }, ` ${listener.pid}`) : null],
    [el('bdi', {}, listener.host ?? '')],
    [moment(listener.since)],
  ]
  return el('tr', {}, el('th', { scope: 'row' }, el('bdi', {}, listener.id)),
    cells.map((content, i) => el('td', { 'data-label': columns[i] }, content)))
}
