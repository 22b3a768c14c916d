// Three versions side by side: the one that an edit began with, theirs and yours.
import { el, show } from './dom.js'
import { count } from './format.js'
import { compact } from './json.js'
import { merged, places } from './merge.js'

const shownPlaces = 500
const shownText = 400

// threeWays shows where theirs and mine, all nodes, differ from the base and from each
// other. Where only one side changed something, that is chosen already; where both did,
// somebody has to. use(node) gets the document that was chosen.
export function threeWays(base, theirs, mine, { title, use, cancel }) {
  const found = places(base, theirs, mine)
  const picks = new Map(found.map((place) => [place.pointer, place.only]))
  const conflicts = found.filter((place) => place.conflict)
  const left = el('p', { role: 'status' })
  const go = el('button', { type: 'button', onclick: () => use(merged(base, theirs, mine, (place) => picks.get(place.pointer) ?? 'mine')) }, 'Use the result')
  const body = el('tbody')
  const update = () => {
    const open = conflicts.filter((place) => !picks.get(place.pointer)).length
    go.disabled = open > 0
    show(left, open ? `${count(open, 'conflict')} to decide.` : 'All is decided. Nothing is committed yet.')
  }
  const draw = () => {
    show(body, found.slice(0, shownPlaces).map((place, i) => row(place, i, picks, update)))
    update()
  }
  const all = (side) => {
    for (const place of conflicts) picks.set(place.pointer, side)
    draw()
  }
  draw()
  return el('section', { class: 'conflict', 'aria-label': 'Conflict' },
    el('h2', { tabindex: '-1' }, title),
    el('p', {}, conflicts.length
      ? `Both changed the same ${count(conflicts.length, 'place')}. Nothing was overwritten: decide what the document shall say.`
      : 'The changes are in different places, so both can stay. Look at the result, and commit it.'),
    left,
    el('div', { class: 'scroll', role: 'region', tabindex: '0', 'aria-label': 'Places that differ' }, el('table', { class: 'three-ways' },
      el('thead', {}, el('tr', {}, ['Place', 'It was', 'Theirs', 'Yours', 'Use'].map((name) => el('th', { scope: 'col' }, name)))), body)),
    found.length > shownPlaces ? el('p', { class: 'muted' }, `and ${found.length - shownPlaces} places more`) : null,
    el('p', { class: 'answers' },
      conflicts.length > 1 ? [el('button', { type: 'button', onclick: () => all('theirs') }, 'Theirs for all conflicts'),
        el('button', { type: 'button', onclick: () => all('mine') }, 'Yours for all conflicts')] : null,
      el('button', { type: 'button', onclick: cancel }, 'Back to your text'), go))
}

function row(place, i, picks, update) {
  const option = (side, text) => el('label', {}, el('input', {
    type: 'radio', name: `place-${i}`, value: side, checked: picks.get(place.pointer) === side, onchange: () => {
      picks.set(place.pointer, side)
      update()
    },
  }), text)
  const name = place.pointer || '(document)'
  return el('tr', { class: place.conflict ? 'in-conflict' : '' },
    el('th', { scope: 'row' }, el('code', {}, name), place.conflict ? el('span', { class: 'badge bad' }, 'conflict') : null),
    cell('It was', place.base), cell('Theirs', place.theirs), cell('Yours', place.mine),
    el('td', { 'data-label': 'Use' }, el('div', { role: 'radiogroup', 'aria-label': `Use for ${name}` }, option('theirs', 'theirs'), option('mine', 'yours'))))
}

const cell = (label, node) => el('td', { 'data-label': label }, node ? el('code', {}, compact(node, shownText)) : el('span', { class: 'muted' }, 'nothing'))
