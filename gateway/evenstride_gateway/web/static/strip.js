// A strip chart: each stride a mark, doubted ones hollow, those that are not complete yet faint, the running mean (from
// the gateway) a line. Two minutes wide.
import { colour } from './draw.js';

const WINDOW_S = 120;
const FIELDS = ['t_s', 'stance_ms', 'stance_mean_ms', 'impact_axial_g', 'impact_axial_mean_g', 'doubted', 'walking', 'provisional'];

/** The strides of both legs as they came; a number seen before replaces its stride. */
export class History {
  constructor() { this.clear(); }

  clear() { this.legs = { left: [], right: [] }; }

  add(strips) {
    for (const [side, strip] of Object.entries(strips)) {
      const points = this.legs[side];
      strip.n.forEach((n, i) => {
        const point = { n };
        for (const field of FIELDS) point[field] = strip[field][i];
        const known = points.findLastIndex(other => other.n === n);
        if (known >= 0) points[known] = point; else points.push(point);
      });
      if (strip.n.length) points.sort((a, b) => a.t_s - b.t_s);
    }
  }

  forget(beforeS) {
    for (const points of Object.values(this.legs)) while (points.length && points[0].t_s < beforeS) points.shift();
  }
}

// The coarsest round step that still gives three lines.
function ticks(low, high) {
  const power = 10 ** Math.floor(Math.log10(high - low));
  const lines = step => Math.floor(high / step + 1e-9) - Math.ceil(low / step - 1e-9) + 1;
  const step = [1, 0.5, 0.2, 0.1, 0.05].map(m => m * power).find(s => lines(s) >= 3);
  const values = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-6; i += 1) values.push(i * step);
  return [values, step < 1 ? 1 : 0];
}

/** least: the smallest height of the scale, so that noise never fills the chart. */
export function drawStrip(canvas, history, { field, mean, nowS, least }) {
  const width = canvas.clientWidth, height = canvas.clientHeight, ratio = devicePixelRatio || 1;
  if (!width || !height) return;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const c = canvas.getContext('2d');
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.clearRect(0, 0, width, height);
  const left = 40, right = 8, top = 8, bottom = 22, fromS = nowS - WINDOW_S;
  let low = Infinity, high = -Infinity;
  const all = Object.values(history.legs).flat().filter(p => p.t_s >= fromS && p[field] !== null);
  const running = all.filter(p => !p.walking); // walking is three times as long: it would flatten the run
  for (const p of running.length ? running : all) {
    low = Math.min(low, p[field]);
    high = Math.max(high, p[field]);
  }
  const X = t => left + (t - fromS) / WINDOW_S * (width - left - right);
  c.font = `13px ${colour('--font')}`;
  c.textBaseline = 'alphabetic';
  c.fillStyle = colour('--ink-2');
  ['2 min ago', width > 260 ? '1 min' : '', 'now'].forEach((label, i) => {
    c.textAlign = ['left', 'center', 'right'][i];
    c.fillText(label, X(fromS + i * WINDOW_S / 2), height - 4);
  });
  if (low > high) return;
  const grow = Math.max(0, least - (high - low)) / 2 + (high - low) * 0.08;
  low = Math.max(0, low - grow);
  high += grow;
  const Y = v => height - bottom - (v - low) / (high - low) * (height - top - bottom);
  const [values, digits] = ticks(low, high);
  c.textAlign = 'right';
  c.textBaseline = 'middle';
  c.lineWidth = 1;
  for (const v of values) {
    const y = Math.round(Y(v)) + 0.5;
    c.strokeStyle = colour('--line');
    c.beginPath(); c.moveTo(left, y); c.lineTo(width - right, y); c.stroke();
    c.fillText(v.toFixed(digits), left - 8, y);
  }
  c.save();
  c.beginPath(); c.rect(left, 0, width - left, height - bottom + 4); c.clip();
  if (running.length) walks(c, all.filter(p => p.walking).map(p => p.t_s), X, height - bottom);
  for (const [side, points] of Object.entries(history.legs)) {
    const ink = colour(`--${side}`);
    c.strokeStyle = c.fillStyle = ink;
    c.lineWidth = 1.2;
    for (const p of points) if (p[field] !== null && !(running.length && p.walking)) mark(c, side, X(p.t_s), Y(p[field]), p.doubted, p.provisional);
  }
  for (const [side, points] of Object.entries(history.legs)) {
    for (const [ink, thick] of [[colour('--card'), 6], [colour(`--${side}`), 3]]) {
      c.strokeStyle = ink;
      c.lineWidth = thick;
      c.lineJoin = c.lineCap = 'round';
      c.beginPath();
      let pen = null;
      for (const p of points) {
        if (p[mean] === null) continue;
        if (pen === null || p.t_s - pen > 6) c.moveTo(X(p.t_s), Y(p[mean])); else c.lineTo(X(p.t_s), Y(p[mean]));
        pen = p.t_s;
      }
      c.stroke();
    }
  }
  c.restore();
}

// Where the runner walked: a grey part of the time, its strides are beyond the scale.
function walks(c, times, X, bottom) {
  if (!times.length) return;
  const spans = [];
  for (const t of times.sort((a, b) => a - b)) {
    if (spans.length && t - spans.at(-1)[1] < 3) spans.at(-1)[1] = t; else spans.push([t, t]);
  }
  for (const [from, to] of spans) {
    const x = X(from), w = Math.max(2, X(to + 1) - x);
    c.globalAlpha = 0.5;
    c.fillStyle = colour('--line');
    c.fillRect(x, 0, w, bottom);
    c.globalAlpha = 1;
    c.fillStyle = colour('--ink-2');
    c.textAlign = 'center';
    if (w > 24) c.fillText('walk', x + w / 2, bottom - 10);
  }
}

function mark(c, side, x, y, hollow, faint) {
  const r = side === 'left' ? 2.1 : 2.7;
  c.globalAlpha = faint ? 0.2 : hollow ? 0.95 : 0.4;
  c.beginPath();
  if (side === 'left') c.arc(x, y, hollow ? r + 1 : r, 0, 2 * Math.PI);
  else { const d = hollow ? r + 1.2 : r; c.moveTo(x, y - d); c.lineTo(x + d, y); c.lineTo(x, y + d); c.lineTo(x - d, y); c.closePath(); }
  if (hollow) c.stroke(); else c.fill();
  c.globalAlpha = 1;
}
