// Past sessions: dates as the browser writes them, and the legs of a session swapped after a question.
import { $, text } from './draw.js';
import { askRole, send } from './session.js';

// The browser's own way to write a date; the server's stays where it is not understood.
const written = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
for (const time of document.querySelectorAll('time[datetime]')) {
  const at = new Date(time.dateTime);
  if (!Number.isNaN(at.getTime())) time.textContent = written.format(at);
}

const dialog = $('swap-dialog'), form = $('swap-form'), wrong = $('swap-wrong'), submit = form.querySelector('[type=submit]');
let chosen = null; // the button that opened the dialog

for (const button of document.querySelectorAll('[data-swap]')) {
  button.addEventListener('click', () => {
    const row = button.closest('tr');
    chosen = button;
    text($('swap-whose'), `${row.querySelector('th').firstChild.textContent}, ${row.querySelector('time').textContent}`);
    text(wrong, '');
    dialog.showModal();
  });
}

dialog.querySelector('[data-close]').addEventListener('click', () => dialog.close());
form.addEventListener('submit', async event => {
  event.preventDefault();
  submit.disabled = true;
  const button = chosen, told = button.parentElement.querySelector('.done');
  text(told, '');
  if (await send('/api/pods/swap', { session: button.dataset.swap }, wrong)) {
    dialog.close();
    text(told, 'legs swapped');
  }
  submit.disabled = false;
});
askRole();
