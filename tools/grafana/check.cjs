// Runs the generated dashboards through Grafana's own data library: transformations, names of fields, units.
// Frames are named as Grafana's InfluxQL reader names them: a table's by its measurement, a series' by its alias.
'use strict';
const fs = require('fs');
const path = require('path');

// The library is written for a browser.
Object.assign(globalThis, {
  window: globalThis,
  addEventListener: () => {},
  localStorage: { getItem: () => null, setItem: () => {} },
  document: { createElement: () => ({}), addEventListener: () => {} },
  location: { href: 'http://localhost/', search: '', pathname: '/' },
});
Object.defineProperty(globalThis, 'navigator', { value: { userAgent: '', languages: ['en'], language: 'en' } });

const { firstValueFrom } = require('rxjs');
const grafana = require('@grafana/data');
const { FieldType, toDataFrame } = grafana;

const FOLDER = path.join(__dirname, '../../dashboards/evenstride_dashboards/generated/dashboards');
const BESIDE = new Set(['partitionByValues']); // part of Grafana's application, not of the library
const WORDS = new Set(['verdict', 'verdict now', 'because', 'reason', 'shoes', 'state']);
const TIMES = [1000, 2000];

const known = new Map(Object.values(grafana.standardTransformers).map((one) => [one.id, one]));
grafana.standardTransformersRegistry.setInit(() =>
  [...known.values()].map((one) => ({ id: one.id, name: one.name, transformation: one, editor: () => null })),
);

const measurementOf = (query) => /FROM "(\w+)"/.exec(query)[1];
const columnsOf = (query) => [...query.split(' FROM ')[0].matchAll(/AS "([^"]+)"/g)].map((found) => found[1]);
const tagsOf = (query) => [...(/GROUP BY (.*)$/.exec(query) ?? ['', ''])[1].matchAll(/"(\w+)"/g)].map((found) => found[1]);

function field(name, shown, values, labels) {
  const type = typeof values[0] === 'string' ? FieldType.string : FieldType.number;
  return { name, type, values, labels, config: { displayNameFromDS: shown } };
}

const valuesOf = (column) => TIMES.map((_, n) => (WORDS.has(column) ? `${column} ${n}` : n + 1));
const time = () => ({ name: 'Time', type: FieldType.time, values: TIMES });

function framesOf(target) {
  const { query, refId, alias } = target;
  const [measurement, columns, tags] = [measurementOf(query), columnsOf(query), tagsOf(query)];
  if (target.resultFormat === 'table') {
    const fields = [
      ...tags.map((tag) => field(tag, tag, TIMES.map((_, n) => `${tag} ${n}`))),
      ...columns.map((column) => field(column, column, valuesOf(column))),
    ];
    return [toDataFrame({ refId, name: measurement, fields: [time(), ...fields] })];
  }
  const groups = tags.length ? TIMES.map((_, n) => Object.fromEntries(tags.map((tag) => [tag, `${tag} ${n}`]))) : [{}];
  return groups.flatMap((labels) =>
    columns.map((column) => {
      const plain = `${measurement}.${column}`;
      const name = alias ? alias.replace(/\$tag_(\w+)/g, (_, tag) => labels[tag]) : plain;
      return toDataFrame({ refId, name, fields: [time(), field('Value', name, valuesOf(column), labels)] });
    }),
  );
}

const UNITS = new Set(grafana.getValueFormats().flatMap((group) => group.submenu.map((one) => one.value)));
const isUnit = (unit) => UNITS.has(unit) || /^suffix:\S/.test(unit);

async function wrongWith(panel) {
  const changes = (panel.transformations ?? []).filter((one) => !BESIDE.has(one.id));
  const wrong = changes.filter((one) => !known.has(one.id)).map((one) => `no transformation ${one.id}`);
  const frames = await firstValueFrom(grafana.transformDataFrame(changes, panel.targets.flatMap(framesOf)));
  const names = frames.flatMap((frame) => frame.fields.map((one) => grafana.getFieldDisplayName(one, frame, frames)));
  const { defaults, overrides } = panel.fieldConfig;
  const units = overrides.flatMap((one) => one.properties).filter((one) => one.id === 'unit');
  for (const unit of [defaults.unit, ...units.map((one) => one.value)]) {
    if (!isUnit(unit)) wrong.push(`no unit ${unit}`);
  }
  const named = overrides.map((one) => one.matcher.options);
  for (const name of [...named, ...(panel.options?.sortBy ?? []).map((one) => one.displayName)]) {
    if (!names.includes(name)) wrong.push(`no field ${name} among ${names.join(', ')}`);
  }
  const shown = panel.options?.reduceOptions?.fields;
  if (shown && !names.some((name) => grafana.stringToJsRegex(shown).test(name))) wrong.push(`nothing is ${shown}`);
  if (panel.type === 'table' && names.some((name, n) => names.indexOf(name) !== n)) wrong.push(`twice: ${names}`);
  return wrong;
}

async function main() {
  let panels = 0;
  let failed = 0;
  for (const file of fs.readdirSync(FOLDER).sort()) {
    const page = JSON.parse(fs.readFileSync(path.join(FOLDER, file), 'utf8'));
    for (const panel of page.panels) {
      panels += 1;
      for (const words of await wrongWith(panel)) {
        failed += 1;
        console.log(`${page.title}: ${panel.title}: ${words}`);
      }
    }
  }
  console.log(`${panels} panels, ${failed} findings`);
  process.exitCode = failed || !panels ? 1 : 0;
}

main();
