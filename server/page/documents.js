// The tree of documents at the side.
import { get } from './api.js'
import { el, later, show } from './dom.js'
import { count, size } from './format.js'
import { Tree } from './tree.js'

const shortestPause = 5000
const openedWhole = 200 // so many documents are shown at once, more stay in their folders

// Documents lists what the store has, and looks again every few seconds. choose(path)
// is called when somebody picks a document.
export class Documents {
  constructor(choose) {
    this.places = []
    this.opened = new Map() // folders that somebody opened or closed
    this.choose = choose
    this.tree = new Tree('Documents', {
      draw: (row) => drawPlace(row),
      toggle: (row) => this.toggle(row),
      choose: (row) => row.place ? this.choose(row.place.path) : this.toggle(row),
    })
    this.summary = el('p', { class: 'muted', role: 'status' }, 'Looking for documents…')
    this.filter = el('input', {
      type: 'search', placeholder: 'Filter', 'aria-label': 'Filter documents', autocomplete: 'off', spellcheck: 'false',
      oninput: later(100, () => this.draw()),
    })
    this.element = el('div', { class: 'documents' }, this.filter, this.summary, this.tree.element)
    this.look()
  }

  // select marks the document that is open, if any is.
  select(path = '') {
    this.selected = path
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) this.opened.set(path.slice(0, at), true)
    this.draw()
  }

  // expect looks at once if the list does not have a document that is there.
  expect(path) {
    if (!this.places.some((place) => place.path === path)) this.look()
  }

  // look asks for the list, and then every few seconds; a list that takes long, less often.
  async look() {
    clearTimeout(this.timer)
    const began = Date.now()
    try {
      const answer = document.hidden ? null : await get('tree', '', { folder: '/', recursive: true }, { etag: this.etag })
      if (answer) {
        this.etag = answer.etag
        this.places = answer.places.filter((place) => !place.folder)
        this.draw()
      }
    } catch (error) {
      if (this.places.length === 0) show(this.summary, error.message)
    }
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.look(), Math.max(shortestPause, 10 * (Date.now() - began)))
  }

  toggle(row) {
    this.opened.set(row.id, !row.expanded)
    this.draw()
  }

  draw() {
    const wanted = this.filter.value.trim().toLowerCase()
    const places = this.places.filter((place) => place.path.toLowerCase().includes(wanted))
    const whole = wanted !== '' || places.length <= openedWhole
    const rows = []
    addRows(folders(places), 1, (folder) => (wanted ? undefined : this.opened.get(folder)) ?? whole, this.selected, rows)
    this.tree.setRows(rows)
    show(this.summary, wanted ? `${places.length} of ${count(this.places.length, 'document')}` : count(places.length, 'document'))
  }
}

// folders makes a tree of paths: each folder a Map of names.
function folders(places) {
  const root = { path: '', inside: new Map() }
  for (const place of places) {
    let folder = root
    for (const name of place.path.split('/').filter(Boolean)) {
      if (!folder.inside.has(name)) folder.inside.set(name, { path: `${folder.path}/${name}`, inside: new Map() })
      folder = folder.inside.get(name)
    }
    folder.place = place
  }
  return root
}

function addRows(folder, level, isOpen, selected, rows) {
  const names = [...folder.inside.keys()].sort()
  names.forEach((name, i) => {
    const inner = folder.inside.get(name)
    const expandable = inner.inside.size > 0
    const expanded = expandable && isOpen(inner.path)
    const isSelected = inner.place !== undefined && inner.path === selected
    rows.push({
      id: inner.path, level, name, place: inner.place, expandable, expanded, position: i + 1, size: names.length,
      selected: isSelected, classes: isSelected ? ['selected'] : [],
    })
    if (expanded) addRows(inner, level + 1, isOpen, selected, rows)
  })
}

function drawPlace({ name, place }) {
  if (!place) return [el('span', { class: 'name folder' }, `${name}/`)]
  const facts = place.error
    ? el('span', { class: 'badge bad', title: place.error }, 'error')
    : el('span', { class: 'muted', title: `${count(place.listeners ?? 0, 'listener')}, version ${place.version}` },
      `${place.listeners ? `${place.listeners}● ` : ''}${size(place.size ?? 0)}`)
  return [el('span', { class: 'name', title: place.path }, name), facts]
}
