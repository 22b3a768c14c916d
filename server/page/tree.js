// A tree that draws only the rows in sight, so that a million rows cost what fifty do.
import { el } from './dom.js'

const beyond = 10 // rows drawn above and below what is in sight

// Tree shows rows: {id, level, expandable, expanded, position, size, classes} and what
// draw(row) returns. toggle(row) is called to open or close one, choose(row) when one
// is chosen; both are followed by setRows where that changes anything.
export class Tree {
  constructor(label, { draw, toggle, choose, move = () => {} }) {
    Object.assign(this, { draw, toggle, choose, move, rows: [], active: -1, prefix: `tree-${++Tree.count}` })
    this.canvas = el('div', { class: 'tree-canvas', role: 'none' })
    this.element = el('div', {
      class: 'tree', role: 'tree', tabindex: '0', 'aria-label': label,
      onkeydown: (event) => this.key(event), onclick: (event) => this.click(event), onscroll: () => this.redraw(),
    }, this.canvas)
    new ResizeObserver(() => this.redraw()).observe(this.element)
  }

  static count = 0

  get rowHeight() {
    return Math.round(1.75 * parseFloat(getComputedStyle(document.documentElement).fontSize))
  }

  // setRows replaces the rows; the active one stays active if its id is still there.
  setRows(rows) {
    const id = this.rows[this.active]?.id
    this.rows = rows
    this.active = id === undefined ? -1 : rows.findIndex((row) => row.id === id)
    this.redraw()
  }

  redraw() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = undefined
      this.drawNow()
    })
  }

  drawNow() {
    const height = this.rowHeight
    this.canvas.style.height = `${this.rows.length * height}px`
    const first = Math.max(0, Math.floor(this.element.scrollTop / height) - beyond)
    const last = Math.min(this.rows.length, Math.ceil((this.element.scrollTop + this.element.clientHeight) / height) + beyond)
    const drawn = []
    for (let i = first; i < last; i++) drawn.push(this.drawRow(this.rows[i], i, height))
    this.canvas.replaceChildren(...drawn)
    const inSight = this.active >= first && this.active < last
    if (inSight) this.element.setAttribute('aria-activedescendant', `${this.prefix}-${this.active}`)
    else this.element.removeAttribute('aria-activedescendant')
  }

  drawRow(row, i, height) {
    const element = el('div', {
      class: ['row', ...(row.classes ?? []), i === this.active ? 'active' : ''].join(' '),
      id: `${this.prefix}-${i}`, role: 'treeitem', 'data-row': i,
      'aria-level': row.level, 'aria-posinset': row.position, 'aria-setsize': row.size,
      'aria-selected': String(row.selected ?? i === this.active), 'aria-expanded': row.expandable ? String(row.expanded) : null,
    }, el('span', { class: 'twisty', 'aria-hidden': 'true' }, row.expandable ? (row.expanded ? '▾' : '▸') : ''), this.draw(row))
    element.style.top = `${i * height}px`
    element.style.paddingInlineStart = `${Math.min(row.level - 1, 12) * 0.9 + 0.25}rem`
    return element
  }

  click(event) {
    const i = Number(event.target.closest('[data-row]')?.dataset.row ?? -1)
    if (!this.rows[i]) return
    this.activate(i)
    const row = this.rows[i]
    if (row.expandable && event.target.closest('.twisty')) this.toggle(row)
    else this.choose(row)
  }

  activate(i) {
    this.active = Math.max(0, Math.min(i, this.rows.length - 1))
    const height = this.rowHeight
    const { scrollTop, clientHeight } = this.element
    if (this.active * height < scrollTop) this.element.scrollTop = this.active * height
    else if ((this.active + 1) * height > scrollTop + clientHeight) this.element.scrollTop = (this.active + 1) * height - clientHeight
    this.drawNow()
    if (this.rows[this.active]) this.move(this.rows[this.active])
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || this.rows.length === 0) return
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.rowHeight) - 1)
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity }
    const row = this.rows[this.active]
    if (event.key in steps) this.activate(this.active < 0 && event.key !== 'End' ? 0 : this.active + steps[event.key])
    else if (!row) return
    else if (event.key === 'Enter' || event.key === ' ') this.choose(row)
    else if (event.key === 'ArrowRight') this.inward(row)
    else if (event.key === 'ArrowLeft') this.outward(row)
    else return
    event.preventDefault()
  }

  inward(row) {
    if (!row.expandable) return
    if (row.expanded) this.activate(this.active + 1)
    else this.toggle(row)
  }

  outward(row) {
    if (row.expandable && row.expanded) return this.toggle(row)
    for (let i = this.active - 1; i >= 0; i--) {
      if (this.rows[i].level < row.level) return this.activate(i)
    }
  }
}
