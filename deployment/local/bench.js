/**
 * `npm run bench`: runs the benches of every package (`bench/*.bench.*`) one after another and prints one table. Each bench prints
 * its figures as a last line of JSON (packages/protocol/bench/figures.ts). Exits with 1 if a limit is exceeded. `npm run bench -- receipt`
 * runs only the bench `receipt.bench.*`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ROOT, SetupError, environment, has, main } from './steps.js';
import { setup } from './setup.js';

/** Programs that benches use or compare with, and the Debian packages that contain them. */
const PROGRAMS = [
  ['umoci', 'umoci'],
  ['buildah', 'buildah'],
  ['chromium', 'chromium']
];

function requirePrograms() {
  const missing = PROGRAMS.filter(([program]) => !has(program)).map(([, debian]) => debian);
  if (missing.length === 0) return;
  throw new SetupError(
    `The benches need programs that are not installed. Install them as root, then start again:\n  apt-get install -y --no-install-recommends ${missing.join(' ')}`
  );
}

function benches(wanted) {
  const { workspaces } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  return workspaces
    .map(folder => join(ROOT, folder, 'bench'))
    .filter(folder => existsSync(folder))
    .flatMap(folder => readdirSync(folder).map(name => join(folder, name)))
    .filter(file => /\.bench\.(js|mjs|ts)$/.test(file))
    .filter(file => wanted.length === 0 || wanted.some(name => basename(file).startsWith(`${name}.`)));
}

/** Runs one bench. Returns its figures, or an empty list if it failed. */
function figuresOf(file) {
  console.log(`\n— ${basename(file)}`);
  const node = join(ROOT, 'node_modules/.bin/node');
  const { status, stdout } = spawnSync(node, ['--disable-warning=ExperimentalWarning', file], {
    cwd: ROOT,
    env: environment(),
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'inherit']
  });
  if (status === 0) return JSON.parse(stdout.trimEnd().split('\n').at(-1));
  console.error(`${basename(file)} failed with status ${status}.`);
  return [];
}

function line(cells) {
  const [figure, against, ...rest] = cells;
  return [figure.padEnd(60), against.padEnd(38), ...rest.map(cell => cell.padStart(11))].join('  ');
}

function show(figures) {
  console.log(`\n${line(['figure', 'against', 'measured', 'reference', 'ratio', 'at most', 'held'])}`);
  for (const { figure, unit, value, against, reference, limit, held } of figures) {
    const numbers = [
      `${value.toFixed(1)} ${unit}`,
      `${reference.toFixed(1)} ${unit}`,
      (value / reference).toFixed(2)
    ];
    const verdict = limit === undefined ? ['', ''] : [limit.toFixed(2), held ? 'yes' : 'NO'];
    console.log(line([figure, against, ...numbers, ...verdict]));
  }
}

await main(() => {
  requirePrograms();
  setup();
  const files = benches(process.argv.slice(2));
  if (files.length === 0) throw new SetupError('No bench has this name.');
  const results = files.map(file => ({ file, figures: figuresOf(file) }));
  const figures = results
    .flatMap(result => result.figures)
    .map(figure => ({ ...figure, held: figure.value <= (figure.limit ?? Infinity) * figure.reference }));
  show(figures);
  const failed = results.filter(result => result.figures.length === 0).map(({ file }) => basename(file));
  const missed = figures.filter(({ held }) => !held).length;
  if (failed.length + missed > 0)
    throw new SetupError(
      [
        `${missed} of ${figures.filter(({ limit }) => limit !== undefined).length} limits are exceeded.`,
        failed.length > 0 ? `Failed: ${failed.join(', ')}.` : ''
      ].join(' ')
    );
  console.log('\nAll limits are met.');
});
