// Does change sets to a document that is held as nodes.

// apply does changes, one after another, in place, and returns the document. touched
// gets each change with the node to mark: the new one, or the parent of what went. It
// throws if a change does not fit.
export function apply(root, changes, touched = () => {}) {
  for (const change of changes) {
    if (change.path.length === 0) {
      root = change.new ?? null
      if (root) touched(change, root)
      continue
    }
    const parent = lookup(root, change.path.slice(0, -1))
    const last = change.path.at(-1)
    if (parent?.kind === 'object') inObject(parent.members, last, change)
    else if (parent?.kind === 'array') inArray(parent.items, last, change)
    else throw new Error(`there is no ${change.pointer}`)
    touched(change, change.new ?? parent)
  }
  return root
}

function inObject(members, key, change) {
  if (members.has(key) === (change.kind === 'added')) throw new Error(`${change.pointer} does not fit`)
  if (change.kind === 'removed') members.delete(key)
  else members.set(key, change.new)
}

function inArray(items, index, change) {
  const room = items.length + (change.kind === 'added' ? 1 : 0)
  if (!Number.isInteger(index) || index < 0 || index >= room) throw new Error(`${change.pointer} does not fit`)
  if (change.kind === 'added') items.splice(index, 0, change.new)
  else if (change.kind === 'removed') items.splice(index, 1)
  else items[index] = change.new
}

// lookup finds the node at a path of keys and indexes, undefined if there is none.
export function lookup(node, path) {
  for (const step of path) {
    if (node?.kind === 'object') node = node.members.get(step)
    else if (node?.kind === 'array') node = node.items[step]
    else return undefined
  }
  return node
}

export const signs = { added: '+', removed: '−', modified: '~' }
