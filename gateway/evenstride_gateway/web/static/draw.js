// Small helpers: text that is written only when it changed, colours from the style sheet, numbers and clocks.

export const $ = id => document.getElementById(id);

export function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

export const number = (value, digits) => value === null || value === undefined ? '–' : value.toFixed(digits);

export function clock(seconds) {
  const s = Math.max(0, Math.floor(seconds)), h = Math.floor(s / 3600), two = n => String(n).padStart(2, '0');
  return h ? `${h}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
}

export function timeOfDay(ms) {
  const t = new Date(ms);
  return [t.getHours(), t.getMinutes(), t.getSeconds()].map(n => String(n).padStart(2, '0')).join(':');
}

export function span(seconds) {
  const s = Math.floor(seconds);
  return s < 120 ? `${s} s` : s < 7200 ? `${Math.floor(s / 60)} min` : `${Math.floor(s / 3600)} h`;
}

let style = null;
export function colour(name) {
  style ??= getComputedStyle(document.documentElement);
  return style.getPropertyValue(name).trim();
}

const SVG = 'http://www.w3.org/2000/svg';
export function svg(name, attributes, content) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (content !== undefined) element.textContent = content;
  return element;
}

export function element(name, className, content) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (content !== undefined) made.textContent = content;
  return made;
}
