// Editing: checks while typing, the difference before the commit, and three versions
// side by side where somebody else was faster.
import { Problem, text, write } from './api.js'
import { threeWays } from './conflict.js'
import { el, later, show } from './dom.js'
import { short } from './format.js'
import { JSONError, minified, parse, pretty } from './json.js'
import { ReviewPanel } from './review.js'

const drafts = new Map() // by path: {base, text}; base is {text, version}, null if there is no document

// hasDrafts reports whether there are texts that are not committed.
export const hasDrafts = () => drafts.size > 0

// EditView edits the document that a FollowedDocument follows, or creates it.
export class EditView {
  constructor(followed, signal, { server }) {
    Object.assign(this, { followed, signal, server })
    this.area = el('textarea', {
      'aria-label': 'Document', 'aria-describedby': 'edit-check', spellcheck: 'false', autocapitalize: 'off', autocomplete: 'off', wrap: 'off',
      oninput: () => this.typed(), onkeydown: (event) => this.key(event),
    })
    this.check = el('p', { id: 'edit-check', role: 'status' })
    this.news = el('div', { role: 'status' })
    this.panel = el('div')
    this.reviewButton = el('button', { type: 'button', class: 'primary', onclick: () => this.review() }, 'Review and commit…')
    this.checkSoon = later(150, () => this.checkNow())
    this.element = el('div', { class: 'edit padded' }, this.news, this.area,
      el('div', { class: 'bar-of-tools' }, this.check, el('span', { class: 'answers' },
        el('button', { type: 'button', onclick: () => this.layOut() }, 'Lay out'),
        el('button', { type: 'button', onclick: () => this.discard() }, 'Start over'), this.reviewButton)), this.panel)
    followed.addEventListener('change', () => this.changed(), { signal })
    if (!server.write) show(this.news, el('p', { class: 'notice' }, 'This server is read-only: it was started without --write.'))
    this.begin()
  }

  get draft() {
    return drafts.get(this.followed.path)
  }

  async begin() {
    if (this.draft) {
      this.base = this.draft.base
      this.area.value = this.draft.text
      this.changed()
      this.checkNow()
    } else await this.load()
  }

  // load shows what is stored, unless somebody began to type.
  load() {
    this.loading ??= this.loadNow().finally(() => { this.loading = null })
    return this.loading
  }

  async loadNow() {
    try {
      const base = await stored(this.followed.path, this.signal)
      if (this.draft) return this.changed()
      this.base = base
      this.area.value = this.base ? laidOut(this.base.text) : '{}'
      if (!this.base) show(this.news, el('p', { class: 'notice' }, 'There is no document here yet: a commit creates it.'))
      this.checkNow()
    } catch (error) {
      if (!this.signal.aborted) show(this.news, el('p', { class: 'notice bad', role: 'alert' }, error.message))
    }
  }

  discard() {
    drafts.delete(this.followed.path)
    show(this.panel)
    show(this.news)
    return this.load()
  }

  typed() {
    drafts.set(this.followed.path, { base: this.base, text: this.area.value })
    show(this.panel)
    this.checkSoon()
  }

  key(event) {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
    event.preventDefault()
    this.review()
  }

  // checkNow reads the text as the server will.
  checkNow() {
    let problem = null
    try {
      this.mine = parse(this.area.value)
    } catch (error) {
      if (!(error instanceof JSONError)) throw error
      problem = error
      this.mine = null
    }
    this.area.setAttribute('aria-invalid', String(problem !== null))
    this.reviewButton.disabled = problem !== null || !this.server.write
    show(this.check, problem ? [el('span', { class: 'bad' }, problem.message), ' ',
      el('button', { type: 'button', onclick: () => this.goTo(problem.at) }, 'Go there')] : el('span', { class: 'muted' }, 'Good JSON.'))
  }

  goTo(at) {
    this.area.focus()
    this.area.setSelectionRange(at, at + 1)
  }

  layOut() {
    this.checkNow()
    if (!this.mine) return
    this.area.value = pretty(this.mine)
    this.typed()
  }

  // changed is called when the document moved on: an untouched text follows it.
  async changed() {
    const { version } = this.followed
    if (!version || version === this.base?.version || this.committing) return
    if (!this.draft) return this.loading ? this.loading.then(() => this.changed()) : this.load()
    show(this.news, el('div', { class: 'notice' }, `Meanwhile somebody committed version ${short(version)}. Your text is still based on version ${short(this.base?.version ?? '–')}. `,
      el('button', { type: 'button', onclick: () => this.compare() }, 'Compare three ways')))
  }

  // body is what is sent. The server keeps the layout of what is stored, and white space
  // would count against its limit.
  body() {
    return this.base ? minified(this.mine) : this.area.value
  }

  async review() {
    this.checkNow()
    if (!this.mine || !this.server.write) return
    const panel = new ReviewPanel(this.followed, this.signal, {
      base: this.base, body: this.body(),
      commit: (query) => this.commit(query), failed: (error) => this.failed(error),
    })
    show(this.panel, panel.element)
    await panel.begin()
  }

  async commit(query) {
    this.committing = true
    const body = this.body()
    try {
      const answer = this.base
        ? await write('PUT', 'documents', this.followed.path, query, { version: this.base.version, body })
        : await write('POST', 'documents', this.followed.path, query, { body })
      drafts.delete(this.followed.path)
      show(this.news)
      return answer
    } finally {
      this.committing = false
      if (!this.draft) this.load()
    }
  }

  // failed takes conflicts; it returns whether it did.
  failed(error) {
    if (!(error instanceof Problem) || error.kind !== 'conflict') return false
    this.compare()
    return true
  }

  async compare() {
    this.checkNow()
    let theirs
    try {
      theirs = await stored(this.followed.path, this.signal)
      if (!theirs) return this.onto(null, 'It was deleted meanwhile: a commit creates it again.')
      if (!this.mine) return show(this.panel, el('p', { class: 'notice bad', role: 'alert' }, 'Mend your text first: it is no good JSON.'))
      const nothing = { kind: 'object', members: new Map() }
      const view = threeWays(this.base ? parse(this.base.text) : nothing, parse(theirs.text), this.mine, {
        title: `Yours and version ${short(theirs.version)}`,
        use: (node) => {
          this.area.value = pretty(node)
          this.onto(theirs, `Your text is now based on version ${short(theirs.version)}.`)
          this.review()
        },
        cancel: () => show(this.panel),
      })
      show(this.panel, view)
      view.querySelector('h2').focus()
    } catch (error) {
      if (!this.signal.aborted) show(this.panel, el('p', { class: 'notice bad', role: 'alert' }, `The versions cannot be compared: ${error.message}`))
    }
  }

  onto(base, says) {
    this.base = base
    this.typed()
    this.checkNow()
    show(this.news, el('p', { class: 'notice' }, says))
  }
}

// stored reads the document, as it is even if it is no good JSON; null if there is none.
async function stored(path, signal) {
  try {
    return await text(path, { raw: true, consistent: true }, signal)
  } catch (error) {
    if (error.kind === 'not-found') return null
    throw error
  }
}

function laidOut(document) {
  try {
    return pretty(parse(document))
  } catch {
    return document
  }
}
