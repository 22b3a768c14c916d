// Words and numbers for people.

const units = ['B', 'kB', 'MB', 'GB']

// size writes a number of bytes.
export function size(bytes) {
  let unit = 0
  while (bytes >= 1000 && unit < units.length - 1) {
    bytes /= 1000
    unit++
  }
  return `${unit ? bytes.toFixed(1) : bytes} ${units[unit]}`
}

const isDate = (time) => new Date(time).getTime() > 0 // Go's zero time is long before

// moment writes a point in time, with the day unless it is today.
export function moment(time) {
  if (!isDate(time)) return '–'
  const date = new Date(time)
  const clock = date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false })
  return date.toDateString() === new Date().toDateString() ? clock : `${isoDay(date)} ${clock}`
}

const isoDay = (date) => [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((n) => String(n).padStart(2, '0')).join('-')

// count writes a number with its noun.
export const count = (n, noun, plural = noun + 's') => `${n} ${n === 1 ? noun : plural}`

// duration writes milliseconds.
export const duration = (ms) => ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`

// short is the part of a version that people count by.
export const short = (version) => version.split('.')[0]

// person says who made a change.
export function person(entry) {
  if (entry.external) return entry.external > 1 ? `other tools (${entry.external} writes)` : 'another tool'
  const { user, app, host, id } = entry.who ?? {}
  const where = [app || id, host].filter(Boolean).join(' on ')
  return user ? `${user}${where ? ` (${where})` : ''}` : where || 'unknown'
}
