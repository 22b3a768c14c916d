// Reads JSON strictly, and keeps the text of every number: JSON.parse would round
// 9007199254740993. It refuses what the server refuses: a key twice, half a
// surrogate pair, nesting deeper than 128.

// A node is {kind, text, start, end}; a string also has its value, an object
// members (a Map), an array items. The kinds are object, array, string, number,
// true, false and null.

const maxDepth = 128
const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const space = /[ \t\n\r]*/y

// JSONError says what is wrong with a text, and where.
export class JSONError extends Error {
  constructor(message, text, at) {
    const before = text.slice(0, at)
    const line = before.split('\n').length
    const column = at - before.lastIndexOf('\n')
    super(`line ${line}, column ${column}: ${message}`)
    this.at = at
  }
}

// parse reads one document.
export function parse(text) {
  const reader = new Reader(text)
  reader.skip()
  const node = reader.value(0)
  reader.skip()
  if (reader.at < text.length) reader.fail('there is something after the document')
  return node
}

class Reader {
  constructor(text) {
    this.text = text
    this.at = 0
  }

  fail(message, at = this.at) {
    throw new JSONError(message, this.text, at)
  }

  skip() {
    space.lastIndex = this.at
    space.test(this.text)
    this.at = space.lastIndex
  }

  value(depth) {
    if (depth > maxDepth) this.fail(`nested deeper than ${maxDepth}`)
    const start = this.at
    switch (this.text[start]) {
      case '{': return this.object(start, depth)
      case '[': return this.array(start, depth)
      case '"': return this.string(start)
      case undefined: return this.fail('the text ends where a value is expected')
    }
    for (const kind of ['true', 'false', 'null']) {
      if (this.text.startsWith(kind, start)) return this.scalar(kind, start, start + kind.length)
    }
    number.lastIndex = start
    if (!number.test(this.text)) this.fail('a value is expected here')
    return this.scalar('number', start, number.lastIndex)
  }

  scalar(kind, start, end) {
    this.at = end
    return { kind, start, end, text: this.text.slice(start, end) }
  }

  object(start, depth) {
    const members = new Map()
    this.list('}', () => {
      const at = this.at
      if (this.text[at] !== '"') this.fail('a key in quotes is expected here')
      const key = this.string(at).value
      if (members.has(key)) this.fail(`the key ${JSON.stringify(key)} is there twice`, at)
      this.skip()
      if (this.text[this.at] !== ':') this.fail('a colon is expected here')
      this.at++
      this.skip()
      members.set(key, this.value(depth + 1))
    })
    return { kind: 'object', start, end: this.at, members }
  }

  array(start, depth) {
    const items = []
    this.list(']', () => items.push(this.value(depth + 1)))
    return { kind: 'array', start, end: this.at, items }
  }

  // list reads what stands between a bracket and its end, one by one.
  list(end, one) {
    this.at++
    this.skip()
    if (this.text[this.at] === end) {
      this.at++
      return
    }
    for (;;) {
      one()
      this.skip()
      const next = this.text[this.at]
      if (next !== ',' && next !== end) this.fail(`a comma or ${end} is expected here`)
      this.at++
      if (next === end) return
      this.skip()
    }
  }

  string(start) {
    let at = start + 1
    let escaped = false
    for (;; at++) {
      const code = this.text.charCodeAt(at)
      if (code === 0x22) break
      if (Number.isNaN(code)) this.fail('this string has no end', start)
      if (code < 0x20) this.fail('a control character in a string has to be escaped', at)
      if (code !== 0x5c) continue
      escaped = true
      at++
    }
    const node = this.scalar('string', start, at + 1)
    try {
      node.value = escaped ? JSON.parse(node.text) : node.text.slice(1, -1)
    } catch {
      this.fail('this string has an escape that JSON does not know', start)
    }
    if (!node.value.isWellFormed()) this.fail('this string has half a surrogate pair', start)
    return node
  }
}

// pretty writes a node with one value a line.
export const pretty = (node) => written(node, '\n')

// minified writes a node without any white space.
export const minified = (node) => written(node, '')

function written(node, newline) {
  const out = []
  write(node, newline, out)
  return out.join('')
}

function write(node, newline, out) {
  const inner = newline && newline + '  '
  const children = node.kind === 'object'
    ? Array.from(node.members, ([key, value]) => [JSON.stringify(key) + (newline ? ': ' : ':'), value])
    : node.kind === 'array' ? node.items.map((value) => ['', value]) : null
  if (children === null) {
    out.push(node.text)
    return
  }
  const [open, close] = node.kind === 'object' ? '{}' : '[]'
  out.push(open)
  children.forEach(([label, value], i) => {
    out.push(i ? ',' : '', inner, label)
    write(value, inner, out)
  })
  out.push(children.length ? newline : '', close)
}

// compact writes a node in one line, cut after limit characters.
export function compact(node, limit = 200) {
  const text = pretty(node).replace(/\n */g, ' ')
  return text.length > limit ? text.slice(0, limit) + '…' : text
}

// equal reports whether two nodes are the same document; the order of keys does
// not count. Either may be undefined.
export function equal(a, b) {
  if (a === b) return true
  if (!a || !b || a.kind !== b.kind) return false
  if (a.kind === 'object') {
    return a.members.size === b.members.size && [...a.members].every(([key, value]) => equal(value, b.members.get(key)))
  }
  if (a.kind === 'array') {
    return a.items.length === b.items.length && a.items.every((value, i) => equal(value, b.items[i]))
  }
  return a.kind === 'string' ? a.value === b.value : a.text === b.text
}

// plain makes JavaScript values of a node, for what the server says itself. Members
// that are named in keep stay nodes: they are of documents.
export function plain(node, keep = []) {
  switch (node.kind) {
    case 'object': return Object.fromEntries(Array.from(node.members, ([key, value]) =>
      [key, keep.includes(key) ? value : plain(value, keep)]))
    case 'array': return node.items.map((item) => plain(item, keep))
    case 'string': return node.value
    default: return JSON.parse(node.text)
  }
}

// child returns the pointer of a member or an item.
export const child = (pointer, key) => pointer + '/' + String(key).replaceAll('~', '~0').replaceAll('/', '~1')

// children lists the values inside a node: [key or index, node].
export function children(node) {
  if (node.kind === 'object') return [...node.members]
  return node.kind === 'array' ? node.items.map((item, i) => [i, item]) : []
}
