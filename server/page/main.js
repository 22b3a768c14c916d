// Puts the page together: the documents at the side, and the view that the URL names.
// It is #VIEW/PATH, as in #history/app/config.
import { connection, get, whenTokenIsWanted } from './api.js'
import { askToken } from './dialog.js'
import { FollowedDocument } from './document.js'
import { Documents } from './documents.js'
import { el, freshId, show } from './dom.js'
import { EditView, hasDrafts } from './edit.js'
import { moment, short } from './format.js'
import { HistoryView } from './history.js'
import { ListenersView, tally } from './listeners.js'
import { LiveView } from './live.js'

const views = { live: ['Live', LiveView], listeners: ['Listeners', ListenersView], history: ['History', HistoryView], edit: ['Edit', EditView] }
const main = document.getElementById('document')
let server = { write: false, store: '', actor: '' }
let documents
let followed = null
let shown = null // the controller whose signal ends the present view

const hash = (view, path) => `#${view}${path.split('/').map(encodeURIComponent).join('/')}`

// route reads the URL; null if it names no document.
function route() {
  const [view, ...segments] = location.hash.slice(1).split('/')
  const names = segments.map(decode)
  if (!Object.hasOwn(views, view) || names.length === 0 || names.some((name) => ['', '.', '..'].includes(name))) return null
  return { view, path: `/${names.join('/')}` }
}

function decode(segment) {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

function navigate() {
  const target = route()
  shown?.abort()
  shown = new AbortController()
  document.body.classList.toggle('has-document', target !== null)
  documents.select(target?.path)
  if (!target || target.path !== followed?.path) followed?.stop()
  if (!target) {
    followed = null
    document.title = 'zkstate'
    show(main, el('h1', { class: 'padded muted', tabindex: '-1' }, 'Choose a document.'))
    return
  }
  if (target.path !== followed?.path) followed = new FollowedDocument(target.path)
  document.title = `${target.path} · ${views[target.view][0]} · zkstate`
  draw(target)
}

function draw({ view, path }) {
  const View = views[view][1]
  const facts = el('p', { class: 'facts muted' })
  const update = () => show(facts, followed.version && followed.version !== '-' ? `Version ${short(followed.version)} · ` : '', tally(followed.listeners))
  for (const name of ['change', 'status', 'listeners']) followed.addEventListener(name, update, { signal: shown.signal })
  update()
  followed.addEventListener('change', () => { if (followed.root) documents.expect(path) }, { signal: shown.signal })
  show(main, el('header', { class: 'document-head' },
    el('a', { href: '#', class: 'back' }, 'All documents'),
    el('h1', { tabindex: '-1' }, path), facts,
    el('nav', { 'aria-label': 'Views' }, Object.entries(views).map(([name, [title]]) =>
      el('a', { href: hash(name, path), 'aria-current': name === view ? 'page' : null }, title)))),
  new View(followed, shown.signal, { server }).element)
}

function drawConnection() {
  const { lost } = connection
  document.body.classList.toggle('lost', lost !== null)
  show(document.getElementById('connection'), lost
    ? `The server does not answer since ${moment(lost)}. What you see may be old. Trying again…`
    : 'Connected')
}

// newDocument asks for a path and opens its editor.
function newDocument() {
  const input = el('input', { id: freshId('path'), required: true, pattern: '\\/.*[^\\/]', placeholder: '/app/config', autocomplete: 'off', spellcheck: 'false' })
  const dialog = el('dialog', { 'aria-label': 'New document', onclose: () => dialog.remove() }, el('form', {
    onsubmit: (event) => {
      event.preventDefault()
      dialog.close()
      location.hash = hash('edit', input.value.trim())
    },
  }, el('h2', {}, 'New document'), el('p', {}, el('label', { for: input.id }, 'Path'), input),
  el('p', { class: 'answers' }, el('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel'), el('button', { type: 'submit', class: 'primary' }, 'Write it'))))
  document.body.append(dialog)
  dialog.showModal()
}

// serverFacts asks until there is an answer.
async function serverFacts() {
  for (;;) {
    try {
      return await get('server', '')
    } catch (error) {
      show(main, el('p', { class: 'padded bad', role: 'alert' }, error.message))
      await new Promise((resolve) => setTimeout(resolve, 2000))
    }
  }
}

async function begin() {
  whenTokenIsWanted(askToken)
  connection.addEventListener('change', drawConnection)
  server = await serverFacts()
  drawConnection()
  documents = new Documents((path) => { location.hash = hash('live', path) })
  document.getElementById('documents').append(documents.element)
  show(document.getElementById('store'), server.store, server.actor ? ` · ${server.actor}` : '', server.write ? '' : ' · read-only')
  const create = document.getElementById('new')
  create.hidden = !server.write
  create.addEventListener('click', newDocument)
  document.getElementById('skip').addEventListener('click', (event) => { // the hash is the route
    event.preventDefault()
    main.focus()
  })
  addEventListener('hashchange', () => {
    navigate()
    main.querySelector('h1')?.focus({ preventScroll: true })
  })
  addEventListener('beforeunload', (event) => { if (hasDrafts()) event.preventDefault() })
  navigate()
}

begin()
