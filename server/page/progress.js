// Waits, for all to see, until everybody uses a version.
import { el, show } from './dom.js'
import { condition, inUse } from './document.js'
import { tally } from './listeners.js'

const shownMissing = 20

// Progress shows how many listeners of a FollowedDocument use its newest version.
export class Progress {
  constructor(followed, signal) {
    this.followed = followed
    this.before = followed.version
    this.bar = el('progress', { 'aria-label': 'Listeners that use the newest version' })
    this.text = el('p', { role: 'status' }, 'Committing…')
    this.missing = el('ul', { class: 'missing' })
    this.element = el('div', { class: 'progress' }, this.text, this.bar, this.missing)
    this.ended = new AbortController()
    signal.addEventListener('abort', () => this.ended.abort())
    for (const name of ['listeners', 'change']) followed.addEventListener(name, () => this.draw(), { signal: this.ended.signal })
  }

  // committed says which version it is about.
  committed(version) {
    this.version = version
    this.draw()
  }

  // fail ends it, because nothing was committed.
  fail() {
    this.ended.abort()
    this.element.remove()
  }

  draw() {
    const { listeners } = this.followed
    const missing = listeners.filter((listener) => !inUse(listener))
    const there = this.version || this.followed.version !== this.before
    if (there) {
      this.bar.max = Math.max(1, listeners.length)
      this.bar.value = listeners.length ? listeners.length - missing.length : 1
    }
    show(this.text, this.version ? 'Committed. ' : there ? 'Waiting until all use it. ' : 'Committing…', there ? tally(listeners) : '')
    show(this.missing, there ? missing.slice(0, shownMissing).map((listener) => el('li', {},
      el('bdi', {}, listener.id), ` ${condition(listener)}`, listener.reason ? `: ${listener.reason}` : '')) : null)
  }
}
