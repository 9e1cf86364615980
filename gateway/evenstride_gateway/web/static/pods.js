// The pods: how each one is, and on which leg it sits.
import { $, element, svg } from './draw.js';
import { ask, send } from './session.js';

const tiles = new Map(); // pod id -> its tile, kept: a button that is replaced under a finger does nothing

export function setUpPods() {
  ask($('swap'), $('swap-dialog'), $('swap-form'), '/api/pods/swap', () => ({}));
}

export function drawPods(pods) {
  const on = side => pods.filter(pod => pod.side === side && !pod.refused).length;
  for (const pod of pods) {
    if (!tiles.has(pod.pod_id)) tiles.set(pod.pod_id, newTile(pod.pod_id));
    const { shown, choice } = tiles.get(pod.pod_id);
    shown.replaceChildren(...facts(pod));
    const met = pod.state === 'streaming' || pod.state === 'lost';
    choice.hidden = !met || Boolean(pod.refused) || (pod.side !== null && on(pod.side) < 2);
  }
  const wanted = pods.map(pod => tiles.get(pod.pod_id).item), list = $('pods');
  if (wanted.length !== list.children.length || wanted.some((item, k) => list.children[k] !== item)) list.replaceChildren(...wanted);
  for (const podId of tiles.keys()) if (!pods.some(pod => pod.pod_id === podId)) tiles.delete(podId);
  $('swap').hidden = on('left') !== 1 || on('right') !== 1;
}

function newTile(podId) {
  const item = element('li', 'pod'), shown = element('div', 'pod-shown'), choice = element('div', 'pod-leg coach-only');
  item.dataset.pod = podId;
  const wrong = element('p', 'wrong');
  wrong.setAttribute('role', 'alert');
  const buttons = ['left', 'right'].map(side => {
    const button = element('button', `leg-choice ${side}`), glyph = element('i', `mark ${side}`);
    button.type = 'button';
    glyph.setAttribute('aria-hidden', 'true');
    button.setAttribute('aria-label', `${side} leg: pod ${podId} sits there`);
    button.append(glyph, element('span', '', `${side} leg`));
    button.addEventListener('click', async () => {
      for (const each of buttons) each.disabled = true;
      const done = await send(`/api/pods/${encodeURIComponent(podId)}/leg`, { side }, wrong);
      for (const each of buttons) each.disabled = false;
      if (done) $('pods-title').focus(); // the buttons go away
      else button.focus();
    });
    return button;
  });
  choice.hidden = true;
  choice.append(...buttons, wrong);
  item.append(shown, choice);
  return { item, shown, choice };
}

function facts(pod) {
  const name = element('div', 'pod-name');
  if (pod.side) { const glyph = element('i', `mark ${pod.side}`); glyph.setAttribute('aria-hidden', 'true'); name.append(glyph); }
  name.append(element('b', '', pod.side ? pod.side[0].toUpperCase() + pod.side.slice(1) : 'No leg'), element('span', 'mono', pod.pod_id));
  const bars = svg('svg', { class: 'bars', viewBox: '0 0 22 16', role: 'img', 'aria-label': `signal ${pod.signal_bars} of 4` });
  for (let i = 0; i < 4; i += 1) bars.append(svg('rect', { class: i < pod.signal_bars ? 'full' : '', x: i * 6, y: 12 - i * 4, width: 4, height: 4 + i * 4, rx: 1 }));
  const charge = svg('svg', { class: pod.battery_percent !== null && pod.battery_percent < 20 ? 'charge low' : 'charge', viewBox: '0 0 28 16', 'aria-hidden': 'true' });
  charge.append(svg('rect', { class: 'case', x: 1, y: 2, width: 22, height: 12, rx: 3 }), svg('rect', { class: 'tip', x: 24.5, y: 6, width: 2.5, height: 4, rx: 1 }));
  if (pod.battery_percent !== null) charge.append(svg('rect', { class: 'full', x: 3, y: 4, width: (18 * pod.battery_percent / 100).toFixed(1), height: 8, rx: 1.5 }));
  const details = element('div', 'facts');
  const radio = element('span', '', pod.rssi_dbm === null ? 'no signal' : `${pod.rssi_dbm} dBm`), power = element('span', '', pod.battery_percent === null ? '– %' : `${pod.battery_percent} %`);
  radio.prepend(bars);
  power.prepend(charge);
  details.append(radio, power);
  if (pod.clock_bound_ms !== null) details.append(element('span', 'mild', `clock ±${pod.clock_bound_ms.toFixed(1)} ms`));
  const state = element('div', 'pod-state');
  state.append(element('span', 'age'), element('span', 'loss', lossOf(pod)));
  return [name, details, state];
}

function lossOf(pod) {
  const parts = [];
  if (pod.received + pod.missing > 0) parts.push(pod.missing === 0 ? 'nothing missing' : `${pod.missing_percent.toFixed(pod.missing_percent < 1 ? 2 : 1)} % missing`);
  if (pod.backfilled > 0) parts.push(`${pod.backfilled.toLocaleString('en')} caught up`);
  return parts.join(' · ');
}
