/**
 * Measures the time from submitting a notebook to opening its result, and compares it with nbclient without a clean room.
 *
 * Uses the demo with its real server, custodian, kernel image and sandbox. The measured steps are the command `submit`, the
 * approval with the command `approve`, packaging, start of the simulated TEE, key release, execution, filter, sealing, token,
 * and the command `results`, which verifies the receipt and opens the outputs. The time to start each command, in the form
 * that JupyterLab calls, is included. For comparison, nbclient executes the same notebook in a running process on the
 * stand-in, which has the same number of rows.
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

/** About ten seconds of work on one processor, independent of the data. */
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

/** The command in the form that JupyterLab calls. */
const COMMAND = join(ROOT, 'extension/jupyterlab_clean_room/command/clean-room.mjs');

/** Runs the command, and returns its JSON output. */
function call(cleanRoom, ...args) {
  const options = { cwd: ROOT, env: cleanRoom.env, encoding: 'utf8' };
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

/** Returns the execution time with nbclient in milliseconds, with the start of the kernel and without the import of nbclient. */
function executeWithNbclient(cleanRoom, file) {
  const program = fileURLToPath(new URL('nbclient_time.py', import.meta.url));
  const env = { ...cleanRoom.env, PYTHONPATH: join(ROOT, 'kernel-images/clean_room/src') };
  return (
    Number(execFileSync(join(ROOT, '.venv/bin/python'), [program, file], { env, encoding: 'utf8' })) * 1000
  );
}

/** Waits until the newest run of a submission is completed, and returns its id. */
async function completedRun(client, id) {
  for (;;) {
    const { runs } = await client.call(routes.getSubmission, { params: { id } });
    const run = runs.at(-1);
    if (run?.state === 'completed') return run.id;
    if (['failed', 'cancelled'].includes(run?.state))
      throw new Error(`The run ended: ${JSON.stringify(run)}`);
    await pause(50);
  }
}

/** Submits, runs and opens a notebook. Returns the total time in milliseconds. */
async function executeInCleanRoom(cleanRoom, client, file) {
  const marks = [];
  const mark = name => marks.push([name, performance.now()]);
  mark('begin');
  const { id } = call(cleanRoom, 'submit', file, '--purpose', PURPOSE);
  mark('submit');
  const custodian = join(cleanRoom.folder, 'custodians/hospital');
  call(cleanRoom, 'approve', id, '--without-passkey', '--party', 'hospital', '--custodian', custodian);
  mark('approve');
  const run = await completedRun(client, id);
  mark('run');
  call(cleanRoom, 'results', run, '--to', join(cleanRoom.folder, 'results', id));
  mark('results');
  const steps = marks.slice(1).map(([name, at], index) => [name, at - marks[index][1]]);
  console.error(steps.map(([name, ms]) => `${name} ${(ms / 1000).toFixed(2)} s`).join(', '));
  return marks.at(-1)[1] - marks[0][1];
}

/** Sets up and starts the demo in a temporary folder, and removes it after `work`. */
async function withCleanRoom(work) {
  const cache = join(ROOT, '.cache/bench');
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  const folder = mkdtempSync(join(cache, 'run-'));
  process.env.CLEAN_ROOM_STAND_INS = join(folder, 'stand-ins');
  const ports = { coordinator: await freePort(), hospital: await freePort(), insurer: await freePort() };
  const cleanRoom = new CleanRoom(folder, ports);
  try {
    cleanRoom.createDemo();
    await cleanRoom.serve();
    cleanRoom.provision();
    cleanRoom.call('stand-ins');
    mkdirSync(cleanRoom.notebooks, { recursive: true });
    return await work(cleanRoom);
  } finally {
    await cleanRoom.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const { nbclientMs, cleanRoomMs } = await withCleanRoom(async cleanRoom => {
  const token = readFileSync(join(cleanRoom.person, 'token'), 'utf8').trim();
  const client = new Client({ base: cleanRoom.url, token: async () => token, party: 'university' });
  const nbclientMs = [];
  const cleanRoomMs = [];
  // The first run is not counted, because it unpacks the kernel image for all later runs.
  for (let round = 0; round <= ROUNDS; round++) {
    const file = join(cleanRoom.notebooks, `round-${round}.ipynb`);
    writeFileSync(file, JSON.stringify(notebook(round)));
    const times = [executeWithNbclient(cleanRoom, file), await executeInCleanRoom(cleanRoom, client, file)];
    console.error(`nbclient ${(times[0] / 1000).toFixed(2)} s, clean room ${(times[1] / 1000).toFixed(2)} s`);
    if (round === 0) continue;
    nbclientMs.push(times[0]);
    cleanRoomMs.push(times[1]);
  }
  return { nbclientMs: median(nbclientMs), cleanRoomMs: median(cleanRoomMs) };
});
print([
  {
    figure: 'submit → result',
    unit: 'ms',
    value: cleanRoomMs,
    against: `nbclient (${(nbclientMs / 1000).toFixed(1)} s) + 5 % + 3 s`,
    reference: nbclientMs * OVERHEAD_SHARE + OVERHEAD_MS,
    limit: 1
  }
]);
