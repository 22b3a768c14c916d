// Asks the server. All URLs are relative to the page, so that it works under any prefix.
import { parse, plain } from './json.js'

// Problem is an answer that says no: its kind (conflict, not-found, rejected, …), its
// HTTP status, and what the server said.
export class Problem extends Error {
  constructor(status, members) {
    super(members.detail || members.title || `The server answered ${status}.`)
    this.status = status
    this.kind = (members.type ?? '').split('#').at(-1)
    this.members = members
  }
}

// Unreachable says that there was no answer at all.
export class Unreachable extends Error {}

// connection tells whether the server answers; its event "change" says that this changed.
export const connection = Object.assign(new EventTarget(), { lost: null })

// answered notes that the server answered, or failed to.
export function answered(yes) {
  if (yes === (connection.lost === null)) return
  connection.lost = yes ? null : new Date()
  connection.dispatchEvent(new Event('change'))
}

const tokenKey = 'zkstate-token'
let tokenWanted = null

// askForToken is called when the server wants a token; it returns a promise of one.
let askForToken = () => Promise.reject(new Error('The server wants a token.'))
export const whenTokenIsWanted = (ask) => { askForToken = ask }

// address makes the URL of an API call. The path of a document is kept segment by segment.
export function address(call, path = '', query = {}) {
  const segments = path.split('/').filter(Boolean).map(encodeURIComponent)
  const url = new URL(['v1', call, ...segments].join('/'), document.baseURI)
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== false) url.searchParams.set(name, value)
  }
  return url
}

// send asks once, with the token if there is one, and asks for a token if it must.
export async function send(url, options = {}) {
  for (;;) {
    const token = sessionStorage.getItem(tokenKey)
    const headers = { ...options.headers, ...(token ? { Authorization: `Bearer ${token}` } : {}) }
    let response
    try {
      response = await fetch(url, { cache: 'no-store', credentials: 'omit', ...options, headers })
    } catch (error) {
      if (options.signal?.aborted) throw error
      answered(false)
      throw new Unreachable('The server does not answer.')
    }
    answered(!isGateway(response))
    if (response.status !== 401) return response
    tokenWanted ??= askForToken(token !== null).finally(() => { tokenWanted = null })
    sessionStorage.setItem(tokenKey, await tokenWanted)
  }
}

// isGateway reports whether a proxy answered because the server did not.
const isGateway = (response) => [502, 503, 504].includes(response.status) && !response.headers.get('Content-Type')?.includes('problem+json')

// problemOf reads what a refusal says.
export async function problemOf(response) {
  let members = {}
  try {
    members = plain(parse(await response.text()))
  } catch {
    // A proxy's page, or none: the status has to do.
  }
  return new Problem(response.status, members ?? {})
}

// get reads an answer; values of documents in it stay nodes. It is null if the
// server says that nothing changed since etag.
export async function get(call, path, query, { etag, signal } = {}) {
  const response = await send(address(call, path, query), { signal, headers: etag ? { 'If-None-Match': etag } : {} })
  if (response.status === 304) return null
  if (!response.ok) throw await problemOf(response)
  const answer = plain(parse(await response.text()), ['old', 'new'])
  return Object.assign(answer, { etag: response.headers.get('ETag') })
}

// text reads a document as it is stored, and its version.
export async function text(path, query, signal) {
  const response = await send(address('documents', path, query), { signal })
  if (!response.ok) throw await problemOf(response)
  return { text: await response.text(), version: unquote(response.headers.get('ETag')) }
}

const unquote = (etag) => (etag ?? '').replace(/^(W\/)?"|"$/g, '')

// write sends a change that is based on a version, and returns the answer. Where
// somebody has not applied it in time the answer has pending.
export async function write(method, call, path, query, { version, body } = {}) {
  const headers = body === undefined ? {} : { 'Content-Type': 'application/json' }
  if (version) headers['If-Match'] = `"${version}"`
  const response = await send(address(call, path, query), { method, headers, body })
  if (!response.ok) throw await problemOf(response)
  const answer = await response.text()
  return answer === '' ? {} : plain(parse(answer), ['old', 'new'])
}
