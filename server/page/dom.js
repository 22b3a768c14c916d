// Makes elements. Text only ever becomes text: nothing here parses HTML. Characters that have
// no shape, or would change the order of what stands beside them, show as escapes.

const svgNamespace = 'http://www.w3.org/2000/svg'

// el makes an element. Attributes that begin with "on" are listeners, those that
// are no strings or numbers are set as properties, and false or null leaves one out.
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children)
}

// svg makes an element of a drawing.
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(svgNamespace, tag), attributes, children)
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value)
    else if (name === 'value' || typeof value === 'boolean') element[name] = value
    else element.setAttribute(name, value)
  }
  element.append(...contents(children))
  return element
}

const contents = (children) => children.flat().filter((child) => child !== null && child !== undefined && child !== false)
  .map((child) => child instanceof Node ? child : visible(String(child)))

// visible writes control characters and those that steer the direction of text as escapes.
const visible = (text) => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
  (character) => '\\u' + character.charCodeAt(0).toString(16).padStart(4, '0'))

// show replaces what is in an element.
export function show(element, ...children) {
  element.replaceChildren(...contents(children))
  return element
}

// later returns a function that calls work once, wait milliseconds after its last call.
export function later(wait, work) {
  let timer
  return () => {
    clearTimeout(timer)
    timer = setTimeout(work, wait)
  }
}

// announce tells screen readers something that changed outside of what they read.
export function announce(text) {
  document.getElementById('announcements').textContent = text
}

let ids = 0

// freshId returns an id that no element has yet.
export const freshId = (prefix) => `${prefix}-${++ids}`
