// The guided swap-legs test: asks the gateway once a second where it stands, shows one thing to do at a time.
import { $, element, text } from './draw.js';

const WORDS = {
  idle: ['Ready?', 'Put both pods on as always, logo outward, arrow to the knee. Then run easily, at one even pace.'],
  first: ['Run', 'Easily and evenly. It stops by itself.'],
  swap: ['Stop, and swap the pods', 'Stand still. The pod on the left leg goes to the right one, and the other way round: same place, same strap tension.'],
  second: ['Run again', 'At the same pace as before. It stops by itself.'],
  done: ['Done', ''],
};
const ORDER = ['first', 'swap', 'second', 'done'];
let coach = false, shown = null;

async function call(path, body) {
  const options = body === undefined ? {} : { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    return [null, 'The gateway does not answer. Is it still running?'];
  }
  const said = await answer.json();
  return answer.ok ? [said, ''] : [null, said.detail ?? `the gateway answered ${answer.status}`];
}

function draw(state) {
  const phase = state.phase, running = phase === 'first' || phase === 'second';
  $('main').dataset.phase = phase;
  const at = ORDER.indexOf(phase);
  for (const item of $('steps').children) {
    const own = ORDER.indexOf(item.dataset.step);
    item.classList.toggle('past', own < at);
    if (own === at || (phase === 'idle' && own === 0)) item.setAttribute('aria-current', 'step');
    else item.removeAttribute('aria-current');
  }
  text($('now-title'), WORDS[phase][0]);
  text($('what'), state.problem || WORDS[phase][1]);
  text($('to-go'), String(state.to_go));
  $('progress').value = state.target - state.to_go;
  $('count').hidden = $('progress').hidden = !running;
  text($('worn'), state.left_pod && state.right_pod && phase !== 'done' ? `Now: ${state.left_pod} on the left leg, ${state.right_pod} on the right.` : '');
  $('begin').hidden = !coach || phase !== 'idle';
  $('swapped').hidden = phase !== 'swap';
  $('cancel').hidden = !(running || phase === 'swap');
  $('again').hidden = phase !== 'done';
  $('meaning').hidden = phase !== 'done';
  $('watching').hidden = coach;
  document.body.classList.toggle('coach', coach);
  if (shown === phase) return;
  const moved = shown !== null;
  shown = phase;
  $('result').replaceChildren(...(phase === 'done' ? state.result.map(line) : []));
  if (moved) $('now-title').focus(); // the button that was pressed has gone
}

function line(found) {
  const item = element('li'), chip = element('span', 'chip', found.verdict);
  chip.dataset.verdict = found.verdict;
  item.append(element('b', '', found.headline), chip, element('span', 'mild', found.detail));
  return item;
}

async function act(button, path, body) {
  text($('wrong'), '');
  button.disabled = true;
  const [state, wrong] = await call(path, body);
  button.disabled = false;
  if (state) draw(state);
  else text($('wrong'), wrong);
}

async function look() {
  const [state, wrong] = await call('/api/swap-test');
  if (state) { if ($('wrong').dataset.away) { text($('wrong'), ''); delete $('wrong').dataset.away; } draw(state); }
  else { text($('wrong'), wrong); $('wrong').dataset.away = 'yes'; }
}

$('begin').addEventListener('submit', event => {
  event.preventDefault();
  act(event.submitter ?? $('begin').querySelector('button'), '/api/swap-test/begin', { runner: $('runner').value });
});
$('swapped').addEventListener('click', () => act($('swapped'), '/api/swap-test/swapped', {}));
$('cancel').addEventListener('click', () => act($('cancel'), '/api/swap-test/cancel', {}));
$('again').addEventListener('click', () => act($('again'), '/api/swap-test/cancel', {}));
const [role] = await call('/api/role');
coach = role?.coach ?? false;
await look();
setInterval(look, 1000);
