/**
 * From a submitted notebook to its opened result, against executing the same notebook bare with nbclient.
 *
 * Measured on the demo with its real server, custodian, kernel image and sandbox, as everything goes by itself: the command
 * `submit`, the demo custodian's approval by the command `approve`, packaging, start of the simulated TEE, key release,
 * execution, filter, sealing, token, and `results`, which verifies the receipt and opens the outputs; the starts of the
 * commands, in the form that JupyterLab calls, included. Bare: nbclient in a process that runs already, on the stand-in, which has as many rows.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from '@clean-room/api';
import { routes } from '@clean-room/api/coordinator';
import { CleanRoom } from '../../deployment/local/clean-room.js';
import { ROOT } from '../../deployment/local/steps.js';
import { median, print } from '../../packages/protocol/bench/figures.ts';

const ROUNDS = 3;
const PURPOSE = 'Health research: cost of chronic illness';
const OVERHEAD_MS = 3000;
const OVERHEAD_SHARE = 1.05;

/** Some ten seconds of work on one processor, the same on any data. */
const CELLS = [
  'from clean_room import open_dataset\n\nvisits = open_dataset("hospital/visits").to_pandas()\nvisits.shape[1]',
  `import numpy

numbers = numpy.random.default_rng(0).random(1_000_000)
for _ in range(650):
    numpy.sort(numbers)
float(numbers.mean() > 0)`,
  'visits["mdvis"].mean() > 0'
];

function notebook(round) {
  const cell = (source, index) => ({
    cell_type: 'code',
    id: `cell-${index}`,
    metadata: {},
    source: `# ${round}\n${source}`,
    execution_count: null,
    outputs: []
  });
  const kernelspec = { name: 'python3', display_name: 'Python 3', language: 'python' };
  return { cells: CELLS.map(cell), metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 };
}

/** The command as JupyterLab calls it. */
const COMMAND = join(ROOT, 'extension/jupyterlab_clean_room/command/clean-room.mjs');

function call(room, ...args) {
  const options = { cwd: ROOT, env: room.env, encoding: 'utf8' };
  return JSON.parse(execFileSync(process.execPath, [COMMAND, ...args, '--json'], options));
}

function freePort() {
  const { promise, resolve } = Promise.withResolvers();
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
  return promise;
}

/** @returns milliseconds, kernel start included, imports of nbclient not */
function executeBare(room, file) {
  const program = fileURLToPath(new URL('bare.py', import.meta.url));
  const env = { ...room.env, PYTHONPATH: join(ROOT, 'kernel-images/clean_room/src') };
  return (
    Number(execFileSync(join(ROOT, '.venv/bin/python'), [program, file], { env, encoding: 'utf8' })) * 1000
  );
}

async function released(client, id) {
  for (;;) {
    const { runs } = await client.call(routes.getSubmission, { params: { id } });
    const run = runs.at(-1);
    if (run?.state === 'completed') return run.id;
    if (['failed', 'cancelled'].includes(run?.state))
      throw new Error(`The run ended: ${JSON.stringify(run)}`);
    await pause(50);
  }
}

/** @returns milliseconds of each step */
async function executeWhole(room, client, file) {
  const marks = [];
  const mark = name => marks.push([name, performance.now()]);
  mark('begin');
  const { id } = call(room, 'submit', file, '--purpose', PURPOSE);
  mark('submit');
  const custodian = join(room.folder, 'custodians/hospital');
  call(room, 'approve', id, '--without-passkey', '--party', 'hospital', '--custodian', custodian);
  mark('approve');
  const run = await released(client, id);
  mark('run');
  call(room, 'results', run, '--to', join(room.folder, 'results', id));
  mark('results');
  const steps = marks.slice(1).map(([name, at], index) => [name, at - marks[index][1]]);
  console.error(steps.map(([name, ms]) => `${name} ${(ms / 1000).toFixed(2)} s`).join(', '));
  return marks.at(-1)[1] - marks[0][1];
}

async function withRoom(work) {
  const cache = join(ROOT, '.cache/bench');
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  const folder = mkdtempSync(join(cache, 'run-'));
  process.env.CLEAN_ROOM_STAND_INS = join(folder, 'stand-ins');
  const room = new CleanRoom(folder, { coordinator: await freePort(), custodian: await freePort() });
  try {
    room.found();
    await room.serve();
    room.provision();
    room.call('stand-ins');
    mkdirSync(room.notebooks, { recursive: true });
    return await work(room);
  } finally {
    await room.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const { bare, whole } = await withRoom(async room => {
  const token = readFileSync(join(room.person, 'token'), 'utf8').trim();
  const client = new Client({ base: room.url, token: async () => token, party: 'university' });
  const bare = [];
  const whole = [];
  // The first one unpacks the kernel image, once and for all runs.
  for (let round = 0; round <= ROUNDS; round++) {
    const file = join(room.notebooks, `round-${round}.ipynb`);
    writeFileSync(file, JSON.stringify(notebook(round)));
    const times = [executeBare(room, file), await executeWhole(room, client, file)];
    console.error(`bare ${(times[0] / 1000).toFixed(2)} s, whole ${(times[1] / 1000).toFixed(2)} s`);
    if (round === 0) continue;
    bare.push(times[0]);
    whole.push(times[1]);
  }
  return { bare: median(bare), whole: median(whole) };
});
print([
  {
    figure: 'submit → result',
    unit: 'ms',
    value: whole,
    against: `nbclient (${(bare / 1000).toFixed(1)} s) + 5 % + 3 s`,
    reference: bare * OVERHEAD_SHARE + OVERHEAD_MS,
    limit: 1
  }
]);
