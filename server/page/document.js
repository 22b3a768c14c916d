// One document that the page follows: its value, its condition and its listeners.
import { address, get } from './api.js'
import { apply } from './changes.js'
import { Stream } from './stream.js'

const keptChanges = 100
const markedFor = 8000

// FollowedDocument keeps up with a document until stop is called. Its events are
// "change" (value or version), "status", "listeners" and "entry" (what the journal
// says of the newest changes).
export class FollowedDocument extends EventTarget {
  constructor(path) {
    super()
    this.path = path
    this.version = ''
    this.root = null // the value, null if there is none
    this.status = { status: 'loading' }
    this.listeners = []
    this.recent = [] // the newest first: {version, time, changes, who, reason, …}
    this.marks = new WeakMap() // of nodes that changed a moment ago
    this.latencies = new Map() // by listener: milliseconds from the newest version to its applying it
    this.journal = 0 // entries kept, 0 if the journal is off
    this.stream = new Stream(address('events', path, { listeners: true }), (name, data) => this.receive(name, data), (problem) => this.refused(problem))
    this.readStat()
  }

  stop() {
    this.stream.stop()
    this.stopped = true
  }

  tell(name, detail) {
    if (!this.stopped) this.dispatchEvent(new CustomEvent(name, { detail }))
  }

  async readStat() {
    try {
      this.journal = (await get('stat', this.path)).journal ?? 0
      this.tell('status')
    } catch {
      // Without it the page only does not offer the history.
    }
  }

  refused(problem) {
    this.status = { status: problem.kind === 'not-found' ? 'absent' : 'refused', reason: problem.message }
    this.root = null
    this.tell('status')
  }

  receive(name, data) {
    if (name === 'document') this.takeWhole(data)
    else if (name === 'changes') this.takeChanges(data)
    else if (name === 'listeners') this.takeListeners(data)
    else if (name === 'status') {
      this.status = data
      this.tell('status')
    }
  }

  takeWhole({ version, value }) {
    const again = this.version !== '' && this.version !== version
    this.version = version
    this.root = value?.kind === 'null' && version === '-' ? null : value
    if (this.status.status === 'absent' || this.status.status === 'refused') this.status = { status: 'good' }
    this.tell('change', { whole: true })
    if (again) this.readStat()
  }

  takeChanges(set) {
    const now = Date.now()
    try {
      this.root = apply(this.root, set.changes, (change, node) => this.marks.set(node, { kind: change.kind, until: now + markedFor }))
    } catch {
      return this.stream.restart() // the next connection brings the whole document
    }
    this.version = set.to
    if (set.to === '-') this.root = null
    if (set.changes.length > 0) {
      this.recent.unshift({ version: set.to, time: set.seen ? new Date(set.seen) : new Date(), ...set })
      this.recent.splice(keptChanges)
      this.arrived = now
      this.latencies = new Map()
    }
    this.tell('change', set)
    this.readEntry()
  }

  takeListeners({ version, listeners }) {
    this.listeners = listeners ?? []
    if (version === this.version && this.arrived) {
      for (const listener of this.listeners) {
        if (inUse(listener) && !this.latencies.has(listener.id)) this.latencies.set(listener.id, Date.now() - this.arrived)
      }
    }
    this.tell('listeners')
  }

  // readEntry asks the journal who made the newest changes and why, one question at a time.
  async readEntry() {
    if (!this.journal || this.reading) return
    this.reading = true
    try {
      const { entries } = await get('history', this.path, { newest: 20 })
      for (const change of this.recent) {
        const entry = entries.find((entry) => entry.version === change.version)
        if (entry) Object.assign(change, { who: entry.who, reason: entry.reason, external: entry.external })
      }
      this.tell('entry')
    } catch {
      // The changes are shown without who and reason.
    }
    this.reading = false
    if (this.recent[0] && !this.recent[0].who && !this.recent[0].external && !this.asked?.has(this.recent[0])) {
      this.asked = new WeakSet([this.recent[0]])
      this.readEntry()
    }
  }

  // markOf says how a node changed a moment ago, undefined if it did not.
  markOf(node) {
    const mark = this.marks.get(node)
    return mark && mark.until > Date.now() ? mark.kind : undefined
  }
}

// inUse reports whether a listener serves the newest version.
export const inUse = (listener) => listener.status === 'applied' && !listener.behind

// condition says in words what a listener does with the newest version.
export function condition(listener) {
  if (listener.status !== 'applied') return listener.status
  return listener.behind ? `behind by ${listener.behind}` : 'applied'
}
