// The live board: takes what the gateway says, draws it, and greys out what is no longer so.
import { $, element, number, span, text, timeOfDay } from './draw.js';
import { drawGauge } from './gauge.js';
import { drawPods, setUpPods } from './pods.js';
import { askRole, drawSession, setUp } from './session.js';
import { Stream } from './stream.js';
import { drawStrip, History } from './strip.js';

const history = new History();
let board = null, dirty = false, wasSilent = true;

const stream = new Stream('/api/live', {
  onEvent(kind, data) {
    const version = document.body.dataset.version;
    if (data.version !== version) { location.reload(); return; } // a newer gateway: its page, too
    if (kind === 'snapshot' || board?.epoch !== data.epoch) history.clear();
    history.add(data.strips);
    history.forget(data.t_s - 130);
    board = data;
    stream.limitMs = data.limits.server_s * 1000;
    if (wasSilent) { wasSilent = false; askRole(); }
    show();
  },
  onTick: showAges,
});
setUp();
setUpPods();

function show() {
  const seen = board.pods.length > 0;
  $('empty').hidden = seen;
  $('board').hidden = !seen;
  drawGauge($('gauge'), board.balance);
  text($('balance-headline'), board.balance.headline);
  $('balance').dataset.verdict = board.balance.verdict;
  for (const [name, found] of [['balance', board.balance], ['stance', board.balance], ['impact', board.impact]]) {
    const chip = $(`${name}-verdict`);
    text(chip, found.verdict);
    chip.dataset.verdict = found.verdict;
  }
  text($('balance-detail'), board.balance.detail);
  for (const [name, found] of [['stance', board.balance], ['impact', board.impact]]) { // never two legs without it
    text($(`${name}-detail`), found.left_percent === null ? found.detail : `${found.headline} · ${found.interval}`);
    $(`${name}-detail`).title = found.detail;
  }
  for (const [side, leg] of Object.entries(board.legs)) {
    text($(`stance-${side}`), number(leg.stance_mean_ms ?? leg.stance_ms, 0));
    text($(`impact-${side}`), number(leg.impact_axial_mean_g ?? leg.impact_axial_g, 1));
  }
  text($('cadence'), number(board.cadence_spm, 0));
  text($('gait'), moving(board));
  drawPods(board.pods);
  const warnings = board.warnings.join('\n');
  if ($('warnings').dataset.said !== warnings) {
    $('warnings').dataset.said = warnings;
    $('warnings').replaceChildren(...board.warnings.map(line => element('li', '', line)));
  }
  showAges();
  paintSoon();
}

function showAges() {
  const silentMs = stream.silentMs();
  const silent = silentMs > stream.limitMs;
  if (silent) wasSilent = true;
  if (!board) {
    if (Date.now() - stream.openedAt > 1500) alarm('The gateway does not answer.', 'This page tries again by itself.', 'no connection');
    return;
  }
  const since = stream.heardAt, passed = silentMs / 1000, limits = board.limits;
  const dataAge = board.data_age_s === null ? null : board.data_age_s + passed;
  const podsSilent = dataAge !== null && dataAge > limits.pod_s;
  const age = silent ? Math.max(passed, dataAge ?? 0) : dataAge;
  const stale = silent || podsSilent;
  document.body.classList.toggle('stale', stale);
  if (stale) {
    const from = timeOfDay(Date.now() - age * 1000);
    alarm(`No data for ${span(age)}, since ${from}.`, silent ? 'The gateway does not answer; this page tries again by itself.' : 'No pod is heard. Out of range, or switched off?', `no data for ${span(age)}`, `No data since ${from}`);
  } else calm();
  for (const [side, leg] of Object.entries(board.legs)) {
    const old = leg.age_s !== null && leg.age_s + passed > limits.stride_s;
    const pod = board.pods.find(p => p.side === side), away = pod && pod.age_s !== null && pod.age_s + passed > limits.pod_s;
    for (const box of document.querySelectorAll(`[data-leg="${side}"]`)) {
      box.classList.toggle('old', old || Boolean(away));
      const kind = box.querySelector('output').id.split('-')[0];
      text(box.querySelector('.under'), under(kind, leg, old || away ? leg.age_s + passed : null, since));
    }
  }
  const found = board.balance.age_s, foundOld = found !== null && found + passed > limits.stride_s;
  $('balance').classList.toggle('old', foundOld);
  text($('balance-since'), foundOld ? `as of ${timeOfDay(since - found * 1000)}: no new pair for ${span(found + passed)}` : '');
  for (const pod of board.pods) {
    const item = document.querySelector(`[data-pod="${CSS.escape(pod.pod_id)}"]`);
    const podAge = pod.age_s === null ? null : pod.age_s + passed, away = podAge === null || podAge > limits.pod_s;
    item.classList.toggle('away', away || pod.state !== 'streaming');
    const state = pod.refused ? 'not used' : pod.state === 'streaming' && away ? 'silent' : pod.state === 'streaming' ? 'live' : pod.state;
    text(item.querySelector('.age'), podAge === null ? state : podAge < 1.95 && state === 'live' ? 'live' : `${state} · heard ${span(podAge)} ago`);
  }
  drawSession(board.session, silent ? 0 : silentMs);
}

function moving(board) {
  const words = [{ run: 'running', walk: 'walking' }[board.gait] ?? 'not moving'];
  if (board.gait && board.surface === 'straight') words.push('straight');
  if (board.gait && board.surface === 'bend') words.push('bend, left out of the verdict');
  if (board.lap) words.push(`lap ${board.lap}`);
  return words.join(' · ');
}

function under(kind, leg, oldAge, since) {
  if (leg.age_s === null) return 'no stride yet';
  if (oldAge !== null) return `since ${timeOfDay(since - leg.age_s * 1000)}, ${span(oldAge)} ago`;
  const early = leg.provisional ? '≈ ' : ''; // the foot has just left the ground: the complete stride may say a little else
  const last = kind === 'stance' ? `last ${early}${number(leg.stance_ms, 0)}` : `last ${number(leg.impact_axial_g, 1)}`;
  const value = kind === 'stance' ? leg.stance_mean_ms : leg.impact_axial_mean_g;
  if (value === null) return board.gait === 'walk' ? 'last stride, walking' : 'last stride';
  return leg.n_mean < 30 ? `mean of ${leg.n_mean} · ${last}` : last + (kind === 'stance' && leg.stance_sd_ms !== null ? ` · ±${number(leg.stance_sd_ms, 0)} stride to stride` : '');
}

function alarm(what, why, short, spoken = what) {
  $('status').className = 'pill stale';
  text($('status-text'), short);
  text($('banner-what'), what);
  text($('banner-why'), why);
  $('banner').hidden = false;
  text($('spoken'), spoken); // without the seconds, or a screen reader would never stop
}

function calm() {
  const hearing = board.data_age_s !== null;
  $('status').className = hearing ? 'pill live' : 'pill waiting';
  text($('status-text'), hearing ? 'live' : 'waiting for pods');
  $('banner').hidden = true;
  text($('spoken'), '');
}

function paintSoon() {
  if (dirty) return;
  dirty = true;
  requestAnimationFrame(() => {
    dirty = false;
    if (!board) return;
    const nowS = board.t_s;
    drawStrip($('stance-strip'), history, { field: 'stance_ms', mean: 'stance_mean_ms', nowS, least: 30 });
    drawStrip($('impact-strip'), history, { field: 'impact_axial_g', mean: 'impact_axial_mean_g', nowS, least: 2 });
  });
}

function setBig(big) {
  document.body.classList.toggle('big', big);
  $('big').setAttribute('aria-pressed', String(big));
  window.history.replaceState(null, '', big ? '#big' : location.pathname);
  paintSoon();
}

$('big').addEventListener('click', () => setBig(!document.body.classList.contains('big')));
document.addEventListener('keydown', event => {
  if (event.key !== 'b' || event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, dialog')) return;
  setBig(!document.body.classList.contains('big'));
});
if (location.hash === '#big') setBig(true);
addEventListener('resize', paintSoon);
addEventListener('themechange', paintSoon);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paintSoon);
