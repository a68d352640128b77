/** Sets up and serves the clean room with demo data on this machine. */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ROOT, SetupError, environment, run } from './steps.js';

const COMMAND = join(ROOT, 'server/bin/clean-room.js');
const NODE = join(ROOT, 'node_modules/.bin/node');
const DATASET = 'hospital/visits';
/** The demo notebooks. */
export const NOTEBOOKS = ['explore.ipynb', 'model.ipynb'];

/** A demo clean room in a folder, with its coordinator and custodian. */
export class CleanRoom {
  /**
   * @param folder - the folder for all files of the demo
   * @param ports - the ports of `coordinator` and `custodian`
   * @param listen - the address on which the custodian's pages are served to a browser
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

  /**
   * Runs the `clean-room` command and returns its result, parsed from JSON.
   *
   * @throws SetupError with the output of the command if it fails
   */
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
      const output = [error.stdout, error.stderr].filter(Boolean).join('\n').trim();
      throw new SetupError(`"clean-room ${args[0]}" failed: ${output || error.message}`);
    }
  }

  /** Creates the demo's parties, keys and configuration, unless they exist. */
  createDemo() {
    this.call(
      'demo',
      'create',
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
   * Serves coordinator and custodian until `stop` is called. Resolves when both are ready.
   *
   * @param parts - arguments of `clean-room serve`; by default, all parts of the demo are served
   * @throws SetupError if the server ends before it is ready
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
      throw new SetupError('The clean room did not start. The messages above tell why.');
  }

  /** Provisions the demo dataset, unless that has been done before. */
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

  /** Copies the demo notebooks to the person's folder. Existing notebooks are not overwritten. */
  copyNotebooks() {
    for (const name of NOTEBOOKS) {
      const target = join(this.notebooks, name);
      if (!existsSync(target)) cpSync(join(ROOT, 'deployment/demo', name), target);
    }
  }

  /**
   * Waits until the run of an approved submission is completed, and returns it.
   *
   * @throws SetupError if the run fails or is cancelled
   */
  async waitForRun(submission) {
    for (let printed = ''; ; await setTimeout(500)) {
      const { items } = this.call('runs');
      const run = items.find(candidate => candidate.submission === submission);
      const now = run === undefined ? 'waiting for the run to start' : run.state;
      if (now !== printed) console.log(now);
      printed = now;
      if (run?.state === 'completed') return run;
      if (['failed', 'cancelled'].includes(run?.state)) {
        throw new SetupError(`The run is ${run.state}: ${JSON.stringify(run.reason)}`);
      }
    }
  }

  /** Stops the server. */
  async stop() {
    if (this.server === undefined || this.server.exitCode !== null) return;
    const ended = new Promise(resolve => this.server.once('exit', resolve));
    this.server.kill('SIGTERM');
    await ended;
  }
}
