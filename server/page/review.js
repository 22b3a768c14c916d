// The last look before a commit: what it changes, why, and who has to apply it.
import { write } from './api.js'
import { difference } from './difference.js'
import { el, freshId, show } from './dom.js'
import { changeList } from './live.js'
import { Progress } from './progress.js'

const keptEntries = 100

// ReviewPanel shows what a text changes and commits it. commit(query) does it; failed(error)
// gets what went wrong, and returns whether it takes care of that.
export class ReviewPanel {
  constructor(followed, signal, { base, body, commit, failed }) {
    Object.assign(this, { followed, signal, base, body, commit, failed })
    this.reason = el('input', { id: freshId('reason'), type: 'text', maxlength: '500', autocomplete: 'off' })
    this.wait = el('input', { id: freshId('wait'), type: 'checkbox', checked: true })
    this.keep = el('input', { id: freshId('keep'), type: 'checkbox', checked: true })
    this.button = el('button', { type: 'submit', class: 'primary', disabled: base !== null }, base ? 'Commit' : 'Create')
    this.says = el('div', { role: 'alert' })
    this.changes = el('div')
    this.outcome = el('div')
    this.heading = el('h2', { tabindex: '-1' }, base ? 'What this changes' : 'What this creates')
    this.form = el('form', { onsubmit: (event) => this.submit(event) },
      el('p', {}, el('label', { for: this.reason.id }, 'Reason, for the history'), this.reason),
      base ? null : el('p', {}, this.keep, el('label', { for: this.keep.id }, `Keep a history of ${keptEntries} changes`)),
      el('p', {}, this.wait, el('label', { for: this.wait.id }, 'Wait until all listeners use it')),
      el('p', { class: 'answers' }, this.button))
    this.element = el('section', { class: 'review', 'aria-label': 'Review' }, this.heading, this.changes, this.says, this.form, this.outcome)
  }

  // begin asks the server what the text would change.
  async begin() {
    this.heading.focus()
    if (!this.base) return show(this.changes, difference(null, this.body, { label: 'What is created' }))
    try {
      const { changes } = await write('PUT', 'documents', this.followed.path, { dry_run: true }, { version: this.base.version, body: this.body })
      this.button.disabled = changes.length === 0
      show(this.changes, changes.length === 0 ? el('p', { class: 'muted' }, 'Nothing: the document says the same.')
        : [changeList(changes, 50), difference(this.base.text, this.body, { label: 'What the commit changes' })])
    } catch (error) {
      this.fail(error)
    }
  }

  async submit(event) {
    event.preventDefault()
    this.button.disabled = true
    show(this.says)
    const progress = new Progress(this.followed, this.signal)
    show(this.outcome, progress.element)
    const query = { reason: this.reason.value.trim() || undefined, wait: this.wait.checked ? 'all' : undefined }
    if (!this.base && this.keep.checked) query.history = keptEntries
    try {
      const { version } = await this.commit(query)
      progress.committed(version)
      this.form.hidden = true
      show(this.heading, 'Committed')
      this.heading.focus()
    } catch (error) {
      progress.fail()
      this.button.disabled = false
      this.fail(error)
    }
  }

  fail(error) {
    if (this.signal.aborted || this.failed(error)) return
    show(this.says, el('p', { class: 'notice bad' }, error.message))
  }
}
