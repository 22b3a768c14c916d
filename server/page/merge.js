// Three versions of a document: the one that an edit began with, theirs and mine.
import { child, equal } from './json.js'

// places lists where theirs or mine differs from the base: {pointer, base, theirs,
// mine, conflict}, each value undefined where there is none. Members are looked into
// as far as all three have them; lists only if they have the same length.
export function places(base, theirs, mine) {
  const found = []
  walk('', base, theirs, mine, (place) => {
    found.push(place)
    return 'mine'
  })
  return found
}

// merged is the document in which pick, given a place, says 'theirs' or 'mine'.
export const merged = (base, theirs, mine, pick) => walk('', base, theirs, mine, pick)

function walk(pointer, base, theirs, mine, pick) {
  if (equal(theirs, mine)) return mine
  const all = [base, theirs, mine]
  if (all.every((node) => node?.kind === 'object')) {
    const keys = new Set([...mine.members.keys(), ...theirs.members.keys()])
    const members = new Map()
    for (const key of keys) {
      const value = walk(child(pointer, key), ...all.map((node) => node.members.get(key)), pick)
      if (value) members.set(key, value)
    }
    return { kind: 'object', members }
  }
  if (all.every((node) => node?.kind === 'array' && node.items.length === base.items.length)) {
    return { kind: 'array', items: base.items.map((_, i) => walk(child(pointer, i), ...all.map((node) => node.items[i]), pick)) }
  }
  const conflict = !equal(base, theirs) && !equal(base, mine)
  return pick({ pointer, base, theirs, mine, conflict, only: conflict ? null : equal(base, mine) ? 'theirs' : 'mine' }) === 'theirs' ? theirs : mine
}
