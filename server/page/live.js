// A document as it is now, with what changes marked where it happens.
import { signs } from './changes.js'
import { announce, el, show } from './dom.js'
import { condition } from './document.js'
import { count, moment, person, short } from './format.js'
import { child, children, compact, pretty } from './json.js'
import { bars } from './plots.js'
import { Tree } from './tree.js'

const shownRows = 300 // levels are open as long as there are no more rows
const shownText = 20_000 // characters of a value
const openedChanges = 20 // the places of so many changes at once are opened

// LiveView shows a FollowedDocument.
export class LiveView {
  constructor(followed, signal) {
    this.followed = followed
    this.opened = new Map()
    this.tree = new Tree('Value', {
      draw: drawRow, toggle: (row) => this.toggle(row), choose: (row) => this.choose(row), move: (row) => this.pick(row),
    })
    this.notice = el('div', { role: 'status' })
    this.detail = el('section', { class: 'detail', 'aria-label': 'Chosen value', hidden: true })
    this.recent = el('ol', { class: 'recent' })
    this.plot = el('div')
    this.element = el('div', { class: 'live' },
      el('div', { class: 'live-value' }, this.notice, this.tree.element, this.detail),
      el('section', { class: 'live-recent', 'aria-labelledby': 'recent-title', tabindex: '0' },
        el('h2', { id: 'recent-title' }, 'Changes seen here'), this.plot, this.recent))
    followed.addEventListener('change', (event) => this.changed(event.detail), { signal })
    followed.addEventListener('status', () => this.draw(), { signal })
    followed.addEventListener('entry', () => this.drawRecent(), { signal })
    const timer = setInterval(() => this.redrawMarks(), 1000)
    signal.addEventListener('abort', () => clearInterval(timer))
    this.changed({ whole: true })
  }

  changed(set) {
    if (set.whole) this.openLevels = fittingLevels(this.followed.root)
    const changes = set.changes ?? []
    if (changes.length > 0 && changes.length <= openedChanges) changes.forEach((change) => this.openTo(change))
    if (changes.length > 0) announce(`${count(changes.length, 'change')}, version ${short(set.to)}: ${changes[0].kind} ${changes[0].pointer || 'document'}`)
    this.draw()
    this.drawRecent()
  }

  openTo({ path }) {
    let pointer = ''
    for (const step of path.slice(0, -1)) {
      this.opened.set(pointer, true)
      pointer = child(pointer, step)
    }
    this.opened.set(pointer, true)
  }

  toggle(row) {
    this.opened.set(row.id, !row.expanded)
    this.draw()
  }

  choose(row) {
    if (row.expandable && this.chosen === row.id) this.toggle(row)
    this.pick(row)
  }

  pick(row) {
    this.chosen = row.id
    this.drawDetail(row)
  }

  draw() {
    const { root } = this.followed
    const rows = []
    if (root) this.addRow(rows, root, { id: '', key: null, level: 1, position: 1, size: 1 })
    this.marked = rows.some((row) => row.mark)
    this.tree.setRows(rows)
    this.tree.element.hidden = !root
    show(this.notice, conditionOf(this.followed))
    const chosen = rows.find((row) => row.id === this.chosen)
    if (chosen) this.drawDetail(chosen)
    else this.detail.hidden = true
  }

  // redrawMarks takes marks away that are old enough.
  redrawMarks() {
    if (this.marked) this.draw()
    if (this.followed.recent.length > 0) this.drawPlot()
  }

  addRow(rows, node, row, inherited) {
    const inside = children(node)
    const mark = this.followed.markOf(node) ?? inherited
    const expandable = inside.length > 0
    const expanded = expandable && (this.opened.get(row.id) ?? row.level <= this.openLevels)
    rows.push({ ...row, node, mark, expandable, expanded, classes: mark ? [`changed-${mark}`] : [] })
    if (!expanded) return
    inside.forEach(([key, value], i) => this.addRow(rows, value,
      { id: child(row.id, key), key, level: row.level + 1, position: i + 1, size: inside.length }, mark === 'removed' ? undefined : mark))
  }

  drawDetail(row) {
    const text = row.node.text ?? pretty(row.node)
    this.detail.hidden = false
    show(this.detail,
      el('h2', {}, el('code', {}, row.id || '(document)'), el('span', { class: 'muted' }, ` ${row.node.kind}, ${count(text.length, 'character')}`)),
      el('pre', { tabindex: '0', 'aria-label': 'Text of the chosen value' }, text.length > shownText ? `${text.slice(0, shownText)}…` : text))
  }

  drawRecent() {
    const items = this.followed.recent.slice(0, 30).map((set) => el('li', {},
      el('p', { class: 'muted' }, `${moment(set.time)} · version ${short(set.version)}`,
        set.who || set.external ? ` · ${person(set)}` : '', set.missed ? ` · ${count(set.missed + 1, 'commit')} together` : '',
        set.replaced ? ' · the store’s history was replaced' : ''),
      set.reason ? el('p', { class: 'reason' }, set.reason) : null,
      changeList(set.changes, 10)))
    show(this.recent, items.length ? items : el('li', { class: 'muted' }, 'None since this view was opened.'))
    this.drawPlot()
  }

  drawPlot() {
    const times = this.followed.recent.map((set) => set.time.getTime())
    show(this.plot, times.length > 1 ? bars(times, 'Commits seen here', { from: Math.min(times.at(-1), Date.now() - 60_000), to: Date.now() }) : null)
  }
}

// changeList writes changes, one a line, at most limit.
export function changeList(changes, limit = 200) {
  const items = changes.slice(0, limit).map((change) => el('li', { class: `changed-${change.kind}` },
    el('span', { class: 'sign', 'aria-hidden': 'true' }, signs[change.kind]), ' ', el('span', { class: 'unseen' }, `${change.kind} `),
    el('code', {}, change.pointer || '(document)'), ' ',
    change.old ? el('del', {}, compact(change.old)) : null, change.old && change.new ? ' → ' : null,
    change.new ? el('ins', {}, compact(change.new)) : null))
  if (changes.length > limit) items.push(el('li', { class: 'muted' }, `and ${changes.length - limit} more`))
  return el('ul', { class: 'changes' }, items)
}

// fittingLevels is how many levels of a document can be open without too many rows.
function fittingLevels(root) {
  let level = root ? [root] : []
  let rows = level.length
  for (let depth = 1; ; depth++) {
    level = level.flatMap((node) => children(node).map(([, value]) => value))
    rows += level.length
    if (level.length === 0 || rows > shownRows) return Math.max(1, depth - (level.length === 0 ? 0 : 1))
  }
}

function conditionOf({ status, listeners, root }) {
  const where = status.pointer ? ` (at ${status.pointer})` : ''
  const notices = {
    loading: el('p', { class: 'muted' }, 'Loading…'),
    absent: el('p', { class: 'notice' }, 'There is no document here. It appears as soon as somebody creates it.'),
    deleted: el('p', { class: 'notice' }, 'This document was deleted. It appears again as soon as somebody creates it.'),
    refused: el('p', { class: 'notice bad' }, `The server refuses to show it: ${status.reason}`),
    rejected: el('p', { class: 'notice bad' }, el('strong', {}, 'What is stored is no good JSON. '), status.reason, where,
      root ? '. Below is the last good document.' : ''),
    unreachable: el('p', { class: 'notice bad' }, `The store cannot be reached; below is what was last seen. ${status.reason ?? ''}`),
  }
  const rejecting = listeners.filter((listener) => listener.status === 'rejected')
  return [notices[root && status.status === 'loading' ? 'good' : status.status], rejecting.length
    ? el('p', { class: 'notice bad' }, `${count(rejecting.length, 'listener')} will not use this version: `,
      rejecting.slice(0, 3).map((listener) => el('span', { class: 'rejecting' }, `${listener.id} (${condition(listener)}): ${listener.reason ?? ''} `)))
    : null]
}

function drawRow({ key, node, mark, expandable }) {
  const inside = expandable ? children(node).length : 0
  const noun = node.kind === 'object' ? ['member', 'members'] : ['item', 'items']
  const value = expandable
    ? el('span', { class: 'muted' }, `${node.kind === 'object' ? '{…}' : '[…]'} ${count(inside, ...noun)}`)
    : el('span', { class: `value ${node.kind}` }, compact(node, 300))
  return [
    mark ? el('span', { class: 'sign', title: mark }, signs[mark], el('span', { class: 'unseen' }, ` ${mark} `)) : null,
    key === null ? null : el('span', { class: 'key' }, `${key}:`), value,
  ]
}
