// Compares two texts line by line.

// maxSteps bounds the search. Texts that differ in more lines than that are shown
// as removed and added as a whole.
const maxSteps = 2000

// lines returns the steps from one text to another, in order: {kind, old, new, text},
// where kind is same, removed or added, and old and new are the numbers of the line.
export function lines(before, after) {
  const a = before === '' ? [] : before.split('\n')
  const b = after === '' ? [] : after.split('\n')
  let head = 0
  while (head < a.length && head < b.length && a[head] === b[head]) head++
  let tail = 0
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++
  const steps = []
  for (let i = 0; i < head; i++) steps.push({ kind: 'same', old: i + 1, new: i + 1, text: a[i] })
  for (const [kind, i, j] of shortest(a.slice(head, a.length - tail), b.slice(head, b.length - tail))) {
    steps.push({ kind, old: i + head + 1, new: j + head + 1, text: kind === 'added' ? b[j + head] : a[i + head] })
  }
  for (let i = tail; i > 0; i--) {
    steps.push({ kind: 'same', old: a.length - i + 1, new: b.length - i + 1, text: a[a.length - i] })
  }
  return steps
}

// shortest is Myers' greedy search: frontier[k] is how far into a the best path of
// d steps on diagonal k gets. Diagonals count from -limit - 1.
function shortest(a, b) {
  const limit = Math.min(a.length + b.length, maxSteps)
  const frontier = new Int32Array(2 * limit + 3)
  const trace = []
  for (let d = 0; d <= limit; d++) {
    trace.push(frontier.slice(limit - d, limit + d + 3))
    for (let k = -d; k <= d; k += 2) {
      const at = limit + 1 + k
      let x = goesDown(frontier, at, k, d) ? frontier[at + 1] : frontier[at - 1] + 1
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++
      frontier[at] = x
      if (x >= a.length && x - k >= b.length) return walkBack(a, b, trace)
    }
  }
  return [...a.map((_, i) => ['removed', i, 0]), ...b.map((_, j) => ['added', a.length, j])]
}

const goesDown = (frontier, at, k, d) => k === -d || (k !== d && frontier[at - 1] < frontier[at + 1])

// walkBack follows the path to its beginning. trace[d] has the diagonals -d-1 to d+1.
function walkBack(a, b, trace) {
  const steps = []
  let x = a.length
  let y = b.length
  for (let d = trace.length - 1; d >= 0; d--) {
    const k = x - y
    const at = k + d + 1
    const down = goesDown(trace[d], at, k, d)
    const fromX = d === 0 ? 0 : trace[d][down ? at + 1 : at - 1]
    const fromY = d === 0 ? 0 : fromX - (down ? k + 1 : k - 1)
    while (x > fromX && y > fromY) steps.push(['same', --x, --y])
    if (d > 0) steps.push(down ? ['added', x, --y] : ['removed', --x, y])
  }
  return steps.reverse()
}

// sides pairs removed lines with the added lines that follow them, for two columns:
// [{old, new}], each a step or null.
export function sides(steps) {
  const rows = []
  let removed = []
  let added = []
  const flush = () => {
    for (let i = 0; i < Math.max(removed.length, added.length); i++) {
      rows.push({ old: removed[i] ?? null, new: added[i] ?? null })
    }
    removed = []
    added = []
  }
  for (const step of steps) {
    if (step.kind === 'removed') removed.push(step)
    else if (step.kind === 'added') added.push(step)
    else {
      flush()
      rows.push({ old: step, new: step })
    }
  }
  flush()
  return rows
}

// fold replaces long runs of same lines by {kind: 'fold', count, steps}; around
// lines next to a difference stay.
export function fold(steps, around = 3) {
  const near = new Uint8Array(steps.length)
  steps.forEach((step, i) => {
    if (step.kind !== 'same') near.fill(1, Math.max(0, i - around), i + around + 1)
  })
  const out = []
  for (let i = 0; i < steps.length;) {
    let end = i
    while (end < steps.length && !near[end]) end++
    if (end - i > around) out.push({ kind: 'fold', count: end - i, steps: steps.slice(i, end) })
    else out.push(...steps.slice(i, end))
    for (i = end; i < steps.length && near[i]; i++) out.push(steps[i])
  }
  return out
}

// middle finds what differs between two lines that replace each other: how many
// characters are the same at both ends.
export function middle(a, b) {
  let head = 0
  while (head < a.length && head < b.length && a[head] === b[head]) head++
  let tail = 0
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++
  return { head, tail }
}
