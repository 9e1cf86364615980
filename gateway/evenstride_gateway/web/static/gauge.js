// The balance gauge: a scale with the 95 % interval as a band and the estimate as a needle. It draws, it computes nothing.
import { svg } from './draw.js';

const CENTRE_X = 200, CENTRE_Y = 206, RADIUS = 158, SWEEP = 78; // degrees to each side
const RANGE = 5; // percentage points to each side of 50

// A larger share of the left leg leans to the left.
function at(leftPercent, radius) {
  const share = Math.max(-RANGE, Math.min(RANGE, 50 - leftPercent));
  const angle = share / RANGE * SWEEP * Math.PI / 180;
  return [CENTRE_X + radius * Math.sin(angle), CENTRE_Y - radius * Math.cos(angle)].map(v => v.toFixed(1));
}

const arc = (from, to, radius) => `M${at(from, radius)} A${radius} ${radius} 0 0 1 ${at(to, radius)}`;

export function drawGauge(element, finding) {
  const measured = finding.left_percent !== null;
  const tone = !measured ? 'none' : finding.verdict === 'within noise' ? 'even' : finding.side ?? 'even';
  const parts = [svg('path', { class: measured ? 'track' : 'track off', d: arc(50 + RANGE, 50 - RANGE, RADIUS) })];
  if (measured) parts.push(svg('path', { class: `band ${tone} ${finding.verdict === 'real' ? 'sure' : ''}`, d: arc(finding.high_percent, finding.low_percent, RADIUS) }));
  for (let left = 50 - RANGE + 1; left <= 50 + RANGE - 1; left += 1) {
    const labelled = left % 2 === 0, [x1, y1] = at(left, RADIUS + 17), [x2, y2] = at(left, RADIUS + (labelled ? 24 : 21)), [x, y] = at(left, RADIUS + 36);
    parts.push(svg('line', { class: left === 50 ? 'tick even' : 'tick', x1, y1, x2, y2 }));
    if (labelled) parts.push(svg('text', { class: 'scale', x, y, 'text-anchor': 'middle', 'dominant-baseline': 'central' }, String(Math.max(left, 100 - left))));
  }
  parts.push(svg('text', { class: 'end left', x: 20, y: 222 }, 'LEFT'), svg('text', { class: 'end right', x: 380, y: 222, 'text-anchor': 'end' }, 'RIGHT'));
  if (measured) {
    const [x1, y1] = at(finding.left_percent, RADIUS - 34), [x2, y2] = at(finding.left_percent, RADIUS + 13);
    parts.push(svg('line', { class: 'needle-halo', x1, y1, x2, y2 }), svg('line', { class: 'needle', x1, y1, x2, y2 }));
    const value = svg('text', { class: `value ${tone}`, x: CENTRE_X, y: 166, 'text-anchor': 'middle' }, finding.shown);
    value.append(svg('tspan', { class: 'percent', dx: 4 }, '%'));
    parts.push(value, svg('text', { class: `on ${tone}`, x: CENTRE_X, y: 198, 'text-anchor': 'middle' }, finding.side ? `on the ${finding.side}` : 'even'));
  } else {
    parts.push(svg('text', { class: 'value none', x: CENTRE_X, y: 160, 'text-anchor': 'middle' }, '–'));
  }
  element.replaceChildren(...parts);
  element.setAttribute('aria-label', `Balance gauge: ${finding.headline}. ${finding.verdict}. ${measured ? `${finding.shown} % ${finding.side ? `on the ${finding.side}` : ''}, ` : ''}${finding.detail}`);
}
