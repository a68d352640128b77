/** Sets up and serves the clean room with demo data on this machine. */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ROOT, SetupError, environment, run } from './steps.js';

const COMMAND = join(ROOT, 'server/bin/clean-room.js');
const NODE = join(ROOT, 'node_modules/.bin/node');
const DEMO = join(ROOT, 'deployment/demo');
/** The demo notebooks. The last one uses the data of both providers. */
export const NOTEBOOKS = ['explore.ipynb', 'model.ipynb', 'costs.ipynb'];
/** The program that writes each demo dataset as CSV, the description for researchers, and how its stand-in is made. */
const DATASETS = {
  'hospital/visits': {
    program: 'visits.py',
    description: 'RAND Health Insurance Experiment: visits to the doctor and insurance',
    standIn: ['--stand-in', 'synthetic', '--epsilon', '1', '--target', 'hlthp']
  },
  'insurer/claims': {
    program: 'claims.py',
    description: 'Invented claims of the same people and of others: bills, and what the insurer paid',
    standIn: []
  }
};

function digestOfFiles(...files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest('hex');
}

/** A demo clean room in a folder, with its coordinator and the custodian of each provider. */
export class CleanRoom {
  /**
   * @param folder - the folder for all files of the demo
   * @param ports - the ports of the `coordinator`, and of the custodian of each provider by its party
   * @param listen - the address on which the custodians' pages are served to a browser
   */
  constructor(folder, { coordinator, ...custodians }, listen = '127.0.0.1') {
    this.folder = folder;
    this.listen = listen;
    this.person = join(folder, 'person');
    this.notebooks = join(folder, 'notebooks');
    this.url = `http://127.0.0.1:${coordinator}`;
    /** The address of each custodian's pages, by party. */
    this.origins = Object.fromEntries(
      Object.entries(custodians).map(([party, port]) => [party, `http://${party}.localhost:${port}`])
    );
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

  /** Creates the demo's parties, keys and configuration, unless they exist. The other methods need it. */
  createDemo() {
    const origins = Object.entries(this.origins).map(
      ([party, origin]) => `--custodian-origin=${party}=${origin}`
    );
    const { providers } = this.call(
      ...['demo', 'create', '--folder', this.folder, '--coordinator-url', this.url],
      ...['--custodian-listen', this.listen, ...origins]
    );
    /** The providers, each with its `party`, `dataset`, and the paths of its `policy` and `custodian`. */
    this.providers = providers;
  }

  /**
   * Serves the coordinator and the custodians until `stop` is called. Resolves when all are ready.
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

  /** Provisions the dataset of each provider, unless that has been done with the same data before. */
  provision() {
    for (const { dataset, policy } of this.providers) {
      const { program, description, standIn } = DATASETS[dataset];
      const csv = join(this.folder, 'data', `${dataset}.csv`);
      const stamp = `${csv}.provisioned`;
      const digest = digestOfFiles(join(DEMO, program), join(DEMO, 'people.py'));
      if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) continue;
      mkdirSync(dirname(csv), { recursive: true, mode: 0o700 });
      run([join(ROOT, '.venv/bin/python'), join(DEMO, program), csv]);
      this.call(
        ...['provision', csv, '--name', dataset, '--policy', policy],
        ...['--yes', '--description', description, ...standIn]
      );
      writeFileSync(stamp, digest);
    }
  }

  /** Copies the demo notebooks to the person's folder. Existing notebooks are not overwritten. */
  copyNotebooks() {
    for (const name of NOTEBOOKS) {
      const target = join(this.notebooks, name);
      if (!existsSync(target)) cpSync(join(DEMO, name), target);
    }
  }

  /**
   * Approves a submission without a passkey, for every provider whose data it uses. The approvals say that they are unattended.
   *
   * @param submitted - the output of `clean-room submit`
   */
  approve({ id, providers }) {
    for (const party of providers) {
      const { custodian } = this.providers.find(provider => provider.party === party);
      this.call('approve', id, '--without-passkey', '--party', party, '--custodian', custodian);
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
