// Start and stop: two dialogs, one request each; what the server answers is what is shown.
import { $, clock, text } from './draw.js';

let coach = false, recording = null;

export async function askRole() {
  try {
    const answer = await fetch('/api/role');
    if (answer.ok) coach = (await answer.json()).coach;
  } catch { /* the watchdog says that the server is away */ }
  show();
}

export async function send(path, body, wrong) {
  text(wrong, '');
  try {
    const answer = await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
    if (answer.ok) return true;
    text(wrong, (await answer.json()).detail ?? `the gateway answered ${answer.status}`);
  } catch {
    text(wrong, 'The gateway does not answer. Is it still running?');
  }
  return false;
}

export function ask(button, dialog, form, path, body) {
  const wrong = dialog.querySelector('.wrong'), submit = form.querySelector('[type=submit]');
  button.addEventListener('click', () => { text(wrong, ''); dialog.showModal(); });
  // The stream may have swapped the buttons while the dialog was open: then the opener is hidden and cannot take the focus.
  dialog.addEventListener('close', () => { if (button.hidden) $(button.id === 'start' ? 'stop' : 'start').focus(); });
  dialog.querySelector('[data-close]').addEventListener('click', () => dialog.close());
  form.addEventListener('submit', async event => {
    event.preventDefault();
    submit.disabled = true;
    if (await send(path, body(), wrong)) { dialog.close(); form.reset(); }
    submit.disabled = false;
  });
}

export function setUp() {
  ask($('start'), $('start-dialog'), $('start-form'), '/api/session/start', () => ({ runner: $('runner-name').value }));
  ask($('stop'), $('stop-dialog'), $('stop-form'), '/api/session/stop', () => ({}));
  askRole();
}

function show() {
  document.body.classList.toggle('coach', coach);
  if (recording === null) return;
  const focused = document.activeElement;
  $('start').hidden = !coach || recording;
  $('stop').hidden = !coach || !recording;
  $('watching').hidden = coach;
  if (focused === $('start') && recording && coach) $('stop').focus();
  if (focused === $('stop') && !recording && coach) $('start').focus();
}

export function drawSession(session, sinceMs) {
  const now = session.state === 'recording';
  if (now !== recording) { recording = now; show(); }
  $('session').dataset.state = session.state;
  text($('rec-word'), now ? 'Recording' : 'Not recording');
  text($('runner'), now ? session.runner : session.runner ? `last: ${session.runner}` : '');
  text($('elapsed'), now && session.elapsed_s !== null ? clock(session.elapsed_s + sinceMs / 1000) : '');
}
