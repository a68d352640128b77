/**
 * Lets everything fail that a run depends on, and prints a table: each call to the cloud in each way, once per run, and each process
 * killed with SIGKILL at each step of a run. After each fault no machine is left, no attempt has run twice, no output is lost, and the
 * state of the run is true. Takes about half an hour. The cloud is the fake one of the tests.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { print } from '../../packages/protocol/bench/figures.ts';
import { bundle } from '../test/support/bundle.ts';
import { killProcesses } from './faults/processes.js';

const show = ({ at, fault, wrong }) =>
  console.error(`${at.padEnd(40)} ${fault.padEnd(34)} ${wrong.join('; ') || 'as it should be'}`);

/** Lets the calls to the cloud fail. The program is in TypeScript, so it is bundled first. */
async function failCalls() {
  const folder = await bundle([fileURLToPath(new URL('faults/calls.ts', import.meta.url))]);
  try {
    const program = await import(pathToFileURL(join(folder, 'calls.mjs')).href);
    return await program.failCalls(show);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const tables = {
  'calls to the cloud that fail': await failCalls(),
  'processes that are killed': await killProcesses(show)
};
print(
  Object.entries(tables).map(([figure, rows]) => ({
    figure: `${figure}, with a wrong end`,
    unit: 'faults',
    value: rows.filter(({ wrong }) => wrong.length > 0).length,
    against: 'faults tried',
    reference: rows.length,
    limit: 0
  }))
);
