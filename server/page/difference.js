// Shows how two texts differ, inline or side by side.
import { el, show } from './dom.js'
import { count } from './format.js'
import { JSONError, parse, pretty } from './json.js'
import { fold, lines, middle, sides } from './textdiff.js'

const shownLines = 2000
const shownCharacters = 2000 // of a line
const narrow = 640 // pixels, too few for two columns
const modeKey = 'zkstate-difference'

// difference returns an element that shows the way from one document to another. Both are
// laid out first, so that only what they mean is compared.
export function difference(before, after, { label = 'Difference' } = {}) {
  const steps = lines(laidOut(before), laidOut(after))
  const body = el('div', { class: 'scroll', role: 'region', tabindex: '0', 'aria-label': label })
  const added = steps.filter((step) => step.kind === 'added').length
  const removed = steps.filter((step) => step.kind === 'removed').length
  const opened = new Set()
  let wasNarrow
  const isNarrow = () => body.clientWidth > 0 && body.clientWidth < narrow
  const draw = () => {
    const mode = isNarrow() ? 'inline' : localStorage.getItem(modeKey) ?? 'sides'
    wasNarrow = isNarrow()
    choice.hidden = wasNarrow
    choice.querySelectorAll('button').forEach((button) => button.setAttribute('aria-pressed', String(button.dataset.mode === mode)))
    const folded = fold(steps).flatMap((step) => step.kind === 'fold' && opened.has(step.steps[0]) ? step.steps : [step])
    const rows = mode === 'inline' ? inline(folded, open) : sideBySide(folded, open)
    show(body, added + removed === 0 ? el('p', { class: 'muted' }, 'They say the same.')
      : el('table', { class: `difference ${mode}` }, el('caption', { class: 'unseen' }, label), columns(mode), el('tbody', {}, rows.slice(0, shownLines))),
    rows.length > shownLines ? el('p', { class: 'muted' }, `and ${rows.length - shownLines} lines more`) : null)
  }
  const open = (step) => {
    opened.add(step.steps[0])
    draw()
  }
  const choice = el('div', { class: 'choice', role: 'group', 'aria-label': 'Layout of the difference' },
    [['sides', 'Side by side'], ['inline', 'Inline']].map(([mode, text]) => el('button', {
      type: 'button', 'data-mode': mode, onclick: () => {
        localStorage.setItem(modeKey, mode)
        draw()
      },
    }, text)))
  draw()
  new ResizeObserver(() => { if (isNarrow() !== wasNarrow) draw() }).observe(body)
  return el('div', {}, el('div', { class: 'bar-of-tools' }, el('span', {}, `${count(added, 'line')} added, ${removed} removed`), choice), body)
}

// laidOut is a text with one value a line, or as it is where it is no JSON.
function laidOut(text) {
  if (text === null) return ''
  try {
    return pretty(parse(text))
  } catch (error) {
    if (error instanceof JSONError) return text
    throw error
  }
}

const columns = (mode) => el('colgroup', {}, (mode === 'inline' ? ['number', 'number', 'line'] : ['number', 'line', 'number', 'line'])
  .map((name) => el('col', { class: `column-${name}` })))

const foldRow = (step, columns, open) => el('tr', { class: 'fold' }, el('td', { colspan: columns },
  el('button', { type: 'button', onclick: () => open(step) }, `${step.count} lines are the same`)))

const cut = (text) => text.length > shownCharacters ? `${text.slice(0, shownCharacters)}… (${text.length - shownCharacters} characters more)` : text

const words = { added: 'added', removed: 'removed', same: '' }
const sign = (kind) => kind === 'same' ? ' ' : kind === 'added' ? '+' : '−'

function inline(steps, open) {
  const partners = new Map(sides(steps.filter((step) => step.kind !== 'fold')).flatMap(({ old, new: added }) => old && added ? [[old, added], [added, old]] : []))
  return steps.map((step) => step.kind === 'fold' ? foldRow(step, 3, open) : el('tr', { class: step.kind },
    el('td', { class: 'number' }, step.kind === 'added' ? '' : step.old), el('td', { class: 'number' }, step.kind === 'removed' ? '' : step.new),
    lineCell(step, partners.get(step))))
}

function sideBySide(steps, open) {
  const rows = []
  let run = []
  const flush = () => {
    rows.push(...sides(run).map((pair) => el('tr', {}, cells(pair.old, pair.new, 'old'), cells(pair.new, pair.old, 'new'))))
    run = []
  }
  for (const step of steps) {
    if (step.kind !== 'fold') run.push(step)
    else {
      flush()
      rows.push(foldRow(step, 4, open))
    }
  }
  flush()
  return rows
}

function cells(step, partner, side) {
  if (!step) return [el('td', { class: 'number none' }), el('td', { class: 'none' })]
  return [el('td', { class: `number ${step.kind}` }, step[side]), lineCell(step, partner)]
}

// lineCell shows a line, and marks what differs from the line that it replaces.
function lineCell(step, partner) {
  const content = [el('span', { class: 'sign', 'aria-hidden': 'true' }, sign(step.kind)), el('span', { class: 'unseen' }, words[step.kind])]
  if (step.kind === 'same' || !partner || partner === step) content.push(cut(step.text))
  else {
    const { head, tail } = middle(step.text, partner.text)
    const end = step.text.length - tail
    content.push(cut(step.text.slice(0, head)), el(step.kind === 'added' ? 'ins' : 'del', {}, cut(step.text.slice(head, end))), cut(step.text.slice(end)))
  }
  return el('td', { class: `line ${step.kind}` }, content)
}
