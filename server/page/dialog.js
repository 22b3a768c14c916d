// Questions that have to be answered before something happens.
import { el, freshId, show } from './dom.js'

// confirmed asks in a dialog, with a place for the reason if wanted, and calls
// carryOut(reason) if the answer is yes. If that fails, the dialog stays and says why. It
// returns what carryOut returned, undefined if the answer is no.
export function confirmed({ title, action, body, reason = false, carryOut }) {
  return ask(title, (close, says) => {
    const why = el('input', { id: freshId('reason'), type: 'text', autocomplete: 'off', maxlength: '500' })
    const yes = el('button', { type: 'submit', class: 'danger' }, action)
    return el('form', {
      onsubmit: async (event) => {
        event.preventDefault()
        yes.disabled = true
        try {
          close(await carryOut(why.value.trim()) ?? true)
        } catch (error) {
          show(says, error.message)
          yes.disabled = false
        }
      },
    }, body, reason ? el('p', {}, el('label', { for: why.id }, 'Reason, for the history'), why) : null, says,
    el('p', { class: 'answers' }, el('button', { type: 'button', onclick: () => close() }, 'Cancel'), yes))
  })
}

// askToken asks for the token that the server wants; it rejects if there is no answer.
export async function askToken(wrong) {
  const token = await ask('This server wants a token', (close, says) => {
    const input = el('input', { id: freshId('token'), type: 'password', autocomplete: 'current-password', required: true })
    return el('form', {
      onsubmit: (event) => {
        event.preventDefault()
        close(input.value.trim())
      },
    }, wrong ? el('p', { class: 'notice bad' }, 'The server did not accept that token.') : null,
    el('p', {}, el('label', { for: input.id }, 'Token'), input), el('p', { class: 'muted' }, 'It is kept in this tab until you close it.'), says,
    el('p', { class: 'answers' }, el('button', { type: 'button', onclick: () => close() }, 'Cancel'), el('button', { type: 'submit' }, 'Use it')))
  })
  if (!token) throw new Error('The server wants a token.')
  return token
}

// ask shows a dialog until it is closed, and returns what it was closed with.
function ask(title, content) {
  return new Promise((resolve) => {
    const id = freshId('title')
    let answer
    const close = (value) => {
      answer = value
      dialog.close()
    }
    const says = el('p', { class: 'bad', role: 'alert' })
    const dialog = el('dialog', {
      'aria-labelledby': id, onclose: () => {
        dialog.remove()
        resolve(answer)
      },
    }, el('h2', { id }, title), content(close, says))
    document.body.append(dialog)
    dialog.showModal()
  })
}
