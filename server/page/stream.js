// Reads server-sent events with fetch, which can send a token where EventSource cannot.
import { answered, problemOf, send } from './api.js'
import { parse, plain } from './json.js'

const firstPause = 500
const longestPause = 10_000
const silence = 40_000 // the server says something each 15 seconds
const hiddenFor = 60_000 // a browser opens few connections to a server; windows that nobody sees give theirs back

// Stream follows one URL until stop is called, and connects again by itself, from the
// last event that it got. receive(name, data) gets each event; values of documents in
// data are nodes. refused(problem) gets an answer that says no.
export class Stream {
  constructor(url, receive, refused) {
    this.url = url
    this.receive = receive
    this.refused = refused
    this.lastId = ''
    this.stopped = new AbortController()
    this.wake = () => {}
    addEventListener('online', () => this.wake(), { signal: this.stopped.signal })
    document.addEventListener('visibilitychange', () => this.seen(), { signal: this.stopped.signal })
    this.follow()
  }

  stop() {
    this.stopped.abort()
    this.connected?.abort()
    this.wake()
  }

  // restart forgets where it was: the next connection begins with the whole document.
  restart() {
    this.lastId = ''
    this.connected?.abort()
  }

  seen() {
    clearTimeout(this.hiding)
    if (!document.hidden) return this.wake()
    this.hiding = setTimeout(() => this.connected?.abort(), hiddenFor)
  }

  async follow() {
    let pause = firstPause
    while (!this.stopped.signal.aborted) {
      this.connected = new AbortController()
      const began = Date.now()
      try {
        await this.connect(this.connected.signal)
        answered(false)
      } catch (error) {
        if (error.name !== 'AbortError' && this.established) answered(false)
      }
      if (this.stopped.signal.aborted) return
      if (Date.now() - began > longestPause) pause = firstPause
      await this.rest(document.hidden ? 2 ** 31 - 1 : pause * (0.5 + Math.random()))
      pause = Math.min(pause * 2, longestPause)
    }
  }

  rest(milliseconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      this.wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async connect(signal) {
    this.established = false
    const headers = { Accept: 'text/event-stream', ...(this.lastId ? { 'Last-Event-ID': this.lastId } : {}) }
    const response = await send(this.url, { signal, headers })
    if (!response.ok) {
      this.refused(await problemOf(response))
      throw new Error('refused')
    }
    this.established = true
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    const pieces = []
    for (;;) {
      const timer = setTimeout(() => this.connected.abort(), silence)
      const { done, value } = await reader.read().finally(() => clearTimeout(timer))
      if (done) return
      this.take(pieces, value)
    }
  }

  // take collects pieces until they end an event: an empty line does.
  take(pieces, piece) {
    pieces.push(piece)
    if (!piece.includes('\n')) return
    const events = pieces.join('').replaceAll('\r\n', '\n').split('\n\n')
    pieces.splice(0, pieces.length, events.pop())
    for (const event of events) this.event(event)
  }

  event(text) {
    let name = 'message'
    let id = null
    const data = []
    for (const line of text.split('\n')) {
      const [field, value] = split(line)
      if (field === 'event') name = value
      else if (field === 'id') id = value
      else if (field === 'data') data.push(value)
    }
    if (data.length === 0) return
    this.receive(name, plain(parse(data.join('\n')), ['value', 'old', 'new']))
    if (id !== null) this.lastId = id
  }
}

function split(line) {
  const colon = line.indexOf(':')
  if (colon < 0) return [line, '']
  return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')]
}
