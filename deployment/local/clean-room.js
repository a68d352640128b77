/** The clean room with demo data, on this machine: founded, served, provisioned. */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ROOT, SetupError, environment, run } from './steps.js';

const COMMAND = join(ROOT, 'server/bin/clean-room.js');
const NODE = join(ROOT, 'node_modules/.bin/node');
const DATASET = 'hospital/visits';
export const NOTEBOOKS = ['explore.ipynb', 'model.ipynb'];

export class CleanRoom {
  /**
   * @param {string} folder where all of it lies
   * @param {{ coordinator: number, custodian: number }} ports
   * @param {string} listen the address of what a browser opens: the custodian's pages
   */
  constructor(folder, ports, listen = '127.0.0.1') {
    this.folder = folder;
    this.listen = listen;
    this.person = join(folder, 'person');
    this.notebooks = join(folder, 'notebooks');
    this.url = `http://127.0.0.1:${ports.coordinator}`;
    this.custodianOrigin = `http://hospital.localhost:${ports.custodian}`;
    this.env = { ...environment(), CLEAN_ROOM_HOME: this.person };
  }

  /** Runs the `clean-room` command and reads its answer. */
  call(...args) {
    try {
      const answer = execFileSync(NODE, [COMMAND, ...args, '--json'], {
        cwd: ROOT,
        env: this.env,
        encoding: 'utf8',
        maxBuffer: 2 ** 28,
        stdio: ['ignore', 'pipe', 'pipe']
      });
      return JSON.parse(answer);
    } catch (error) {
      const said = [error.stdout, error.stderr].filter(Boolean).join('\n').trim();
      throw new SetupError(`clean-room ${args[0]} did not succeed: ${said || error.message}`);
    }
  }

  found() {
    this.call(
      'demo',
      'found',
      '--folder',
      this.folder,
      '--coordinator-url',
      this.url,
      '--custodian-origin',
      this.custodianOrigin,
      '--custodian-listen',
      this.listen
    );
  }

  /**
   * Serves coordinator and custodian until `stop`; resolves once both answer.
   * @param {string[]} parts what `clean-room serve` is told to serve; all of the demo when nothing is named
   */
  async serve(...parts) {
    const served = parts.length > 0 ? parts : ['--demo', this.folder];
    this.server = spawn(NODE, [COMMAND, 'serve', ...served], {
      cwd: ROOT,
      env: this.env,
      stdio: ['ignore', 'inherit', 'pipe']
    });
    const ended = new Promise(resolve => this.server.once('exit', resolve));
    const ready = new Promise(resolve => {
      this.server.stderr.setEncoding('utf8').on('data', text => {
        process.stderr.write(text);
        if (text.includes('Ready.')) resolve('ready');
      });
    });
    if ((await Promise.race([ready, ended])) !== 'ready')
      throw new SetupError('The clean room did not start; see above.');
  }

  /** Provisions the demo dataset once. */
  provision() {
    const done = join(this.folder, 'provisioned');
    if (existsSync(done)) return;
    const csv = join(this.folder, 'visits.csv');
    run([join(ROOT, '.venv/bin/python'), 'deployment/demo/visits.py', csv]);
    const folder = join(this.folder, 'custodians/hospital');
    this.call(
      ...['provision', csv, '--name', DATASET, '--policy', join(this.folder, 'policies/visits.json')],
      ...[
        '--custodian',
        folder,
        '--yes',
        '--description',
        'RAND Health Insurance Experiment: visits to the doctor and insurance'
      ]
    );
    writeFileSync(done, `${new Date().toISOString()}\n`);
  }

  /** Copies the demo notebooks to where the person works on them; what is there is kept. */
  layOutNotebooks() {
    for (const name of NOTEBOOKS) {
      const goal = join(this.notebooks, name);
      if (!existsSync(goal)) cpSync(join(ROOT, 'deployment/demo', name), goal);
    }
  }

  /** The run that an approved submission began, once it has ended. */
  async waitForRun(submission) {
    for (let told = ''; ; await setTimeout(500)) {
      const { items } = this.call('runs');
      const run = items.find(candidate => candidate.submission === submission);
      const now = run === undefined ? 'waiting for its run' : run.state;
      if (now !== told) console.log(now);
      told = now;
      if (run?.state === 'completed') return run;
      if (['failed', 'cancelled'].includes(run?.state)) {
        throw new SetupError(`The run ended as ${run.state}: ${JSON.stringify(run.reason)}`);
      }
    }
  }

  async stop() {
    if (this.server === undefined || this.server.exitCode !== null) return;
    const ended = new Promise(resolve => this.server.once('exit', resolve));
    this.server.kill('SIGTERM');
    await ended;
  }
}
