import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from '@clean-room/api';
import { routes } from '@clean-room/api/coordinator';
import { DemoServices } from './demo-services.js';

const PURPOSE = 'Health research: cost of chronic illness';
/** A text that the notebook computes, so that it is not in any file but the result. */
const MARKER = ['joined', 'people:'];
const MACHINE = 'machine';
/** States of a run that last long enough to be seen, and the submission before it has one. */
const STEPS = ['submitted', 'starting', 'awaiting-keys', 'running', 'completed'];
const ENDED = ['completed', 'failed', 'cancelled'];
const LONGEST_MS = 240_000;

const CELLS = [
  `from clean_room import open_dataset
visits = open_dataset("hospital/visits").to_pandas()
claims = open_dataset("insurer/claims").to_pandas()`,
  'import time; time.sleep(2)',
  `print(${MARKER.map(word => JSON.stringify(word)).join(', ')}, len(set(visits.person_id) & set(claims.person_id)) // 100 * 100)`
];

function notebook(name) {
  const cell = (source, index) => ({
    cell_type: 'code',
    id: `cell-${index}`,
    metadata: {},
    source: `# ${name}\n${source}`,
    execution_count: null,
    outputs: []
  });
  const kernelspec = { name: 'python3', display_name: 'Python 3', language: 'python' };
  return JSON.stringify({
    cells: CELLS.map(cell),
    metadata: { kernelspec },
    nbformat: 4,
    nbformat_minor: 5
  });
}

/** One run, during which one process is killed once. */
class Trial {
  constructor(services, client, target, step) {
    Object.assign(this, { services, client, target, step, killed: false });
  }

  /** Returns the newest run of the submission, or undefined while there is none or the coordinator is down. */
  async #run(id) {
    const { runs } = await this.client
      .call(routes.getSubmission, { params: { id } })
      .catch(() => ({ runs: [] }));
    return runs.at(-1);
  }

  async #strike(state) {
    const { services, target, step } = this;
    if (this.killed || state !== step) return;
    if (target === MACHINE) {
      this.killed = services.killMachine();
      return;
    }
    this.killed = true;
    await services.kill(target);
    await pause(500);
    await services.restart(target);
  }

  /** Approves for every provider. A custodian that was killed is asked again. */
  async #approve(id) {
    const { cleanRoom } = this.services;
    for (const { party, custodian } of cleanRoom.providers) {
      cleanRoom.call(
        ...[
          'approve',
          id,
          '--without-passkey',
          '--party',
          party,
          '--custodian',
          custodian,
          '--spare-starts',
          '1'
        ]
      );
    }
  }

  /** Runs the trial, and returns what is wrong afterwards. */
  async result() {
    const { cleanRoom } = this.services;
    const name = `${this.target}-${this.step}`.replaceAll(' ', '-');
    const file = join(cleanRoom.notebooks, `${name}.ipynb`);
    writeFileSync(file, notebook(name));
    const { id } = cleanRoom.call('submit', file, '--purpose', PURPOSE);
    await this.#strike('submitted');
    await this.#approve(id);
    const end = Date.now() + LONGEST_MS;
    let run;
    while (!ENDED.includes(run?.state)) {
      if (Date.now() > end) return [`still ${run?.state ?? 'without a run'} after ${LONGEST_MS / 1000} s`];
      run = (await this.#run(id)) ?? run;
      if (run !== undefined) await this.#strike(run.state);
      await pause(20);
    }
    await this.#strike(run.state);
    if (!this.killed) return ['the step was over before the process could be killed'];
    return [...this.#wrongIn(run), ...(await this.#wrongAfterwards(id, run))];
  }

  #wrongIn(run) {
    if (run.state === 'completed') return [];
    return [`the run is ${run.state}: ${JSON.stringify(run.reason)}`];
  }

  /** Opens the result, and looks for what must not be left. */
  async #wrongAfterwards(id, run) {
    const { cleanRoom, machines } = this.services;
    const wrong = [];
    const { history } = await this.client.call(routes.getRun, { params: { id: run.id } });
    const starts = history.filter(({ state }) => state === 'starting').length;
    const most = this.target === MACHINE ? 2 : 1;
    if (starts > most) wrong.push(`${starts} attempts were started`);
    if (run.state === 'completed') {
      const to = join(cleanRoom.folder, 'results', id);
      const result = cleanRoom.call('results', run.id, '--to', to);
      const { outcome } = cleanRoom.call(
        ...['verify', result.receipt, '--trust', join(cleanRoom.person, 'trust.json')]
      );
      if (outcome !== 'verified') wrong.push(`the receipt is ${outcome}`);
      if (!JSON.stringify(result.notebook).includes(MARKER.join(' ')))
        wrong.push('the result is not that of the notebook');
    }
    const left = await this.services.countMachines();
    if (left > 0) wrong.push(`${left} machines run in ${machines}`);
    return wrong;
  }
}

/**
 * Kills each process of a demo with SIGKILL at each step of a run, and starts it again.
 *
 * @param report - receives each row of the table as soon as it is known
 * @returns the rows: process, step, and what is wrong afterwards
 */
export async function killProcesses(report) {
  const services = await DemoServices.start();
  const { cleanRoom } = services;
  const token = readFileSync(join(cleanRoom.person, 'token'), 'utf8').trim();
  const client = new Client({ base: cleanRoom.url, token: async () => token, party: 'university' });
  const rows = [];
  try {
    for (const target of [...services.names, MACHINE]) {
      const steps = target === MACHINE ? ['starting', 'awaiting-keys', 'running'] : STEPS;
      for (const step of steps) {
        const wrong = await new Trial(services, client, target, step).result();
        const row = { fault: `kill -9 of the ${target}`, at: step, wrong };
        rows.push(row);
        report(row);
      }
    }
  } finally {
    await services.stop();
  }
  return rows;
}
