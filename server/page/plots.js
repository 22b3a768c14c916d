// Small drawings, for what is seen sooner than read. Each says the same in words.
import { el, svg } from './dom.js'
import { count, duration, moment } from './format.js'

const width = 320
const height = 56
const buckets = 40

function figure(caption, ...shapes) {
  return el('figure', { class: 'plot' },
    svg('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': caption }, ...shapes),
    el('figcaption', { class: 'muted' }, caption))
}

const baseline = () => svg('line', { class: 'axis', x1: 0, x2: width, y1: height - 0.5, y2: height - 0.5 })

// bars draws when something happened: how many of the times, in milliseconds, fall into
// each fortieth of the time between from and to.
export function bars(times, what, { from = Math.min(...times), to = Math.max(...times) } = {}) {
  const step = Math.max(to - from, 1) / buckets
  const counts = new Array(buckets).fill(0)
  for (const time of times) counts[Math.min(buckets - 1, Math.max(0, Math.floor((time - from) / step)))]++
  const most = Math.max(1, ...counts)
  const shapes = counts.map((n, i) => n === 0 ? null : svg('rect', {
    class: 'bar', x: (i * width / buckets + 1).toFixed(1), width: (width / buckets - 2).toFixed(1),
    y: (height - 1 - n / most * (height - 8)).toFixed(1), height: (n / most * (height - 8)).toFixed(1), rx: 1,
  }))
  return figure(`${what}: ${times.length} from ${moment(from)} to ${moment(to)}`, baseline(), ...shapes)
}

// spread draws durations, in milliseconds, as one dot each on a line from 0 to the longest.
export function spread(durations, what) {
  const sorted = [...durations].sort((a, b) => a - b)
  const longest = Math.max(sorted.at(-1), 1)
  const rows = new Map()
  const shapes = sorted.map((ms) => {
    const x = 6 + Math.round(ms / longest * (width - 12) / 7) * 7
    const row = rows.get(x) ?? 0
    rows.set(x, row + 1)
    return svg('circle', { class: 'dot', cx: Math.min(x, width - 6), cy: Math.max(4, height - 7 - row * 8), r: 3.5 })
  })
  const median = sorted[Math.floor((sorted.length - 1) / 2)]
  return figure(`${what}: ${count(sorted.length, 'listener')}, half within ${duration(median)}, all within ${duration(sorted.at(-1))}`,
    baseline(), ...shapes)
}
