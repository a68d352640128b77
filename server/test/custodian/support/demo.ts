import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openIdentity, type SimulatorIdentity } from '@clean-room/simulator';
import { Client } from '@clean-room/api';
import { runCommand } from '../../../src/cli/program.js';
import { createDemo } from '../../../src/cli/demo/create.js';
import { DemoLayout } from '../../../src/cli/demo/layout.js';
import {
  DEMO_PROVIDERS,
  DEMO_PURPOSES,
  type CustodianOrigins,
  type DemoProvider
} from '../../../src/cli/demo/providers.js';
import { publishDemo } from '../../../src/cli/demo/publish.js';
import { NO_IMAGES } from '../../support/images.js';
import type { Terminal } from '../../../src/cli/terminal/terminal.js';
import { startCoordinator, type RunningCoordinator } from '../../../src/coordinator/start.js';
import { readCustodianHome, startCustodian, type RunningCustodian } from '../../../src/custodian/index.js';
import { readSecretFile } from '../../../src/platform/files/secret-file.js';
import { ManualBackend } from '../../support/backend.js';
import { writeKernelImage } from './kernel-image.js';

async function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** A backend that records which jobs were started. Tests act as the TEE themselves. */
class RecordingBackend extends ManualBackend {
  /** The addresses of the jobs that were started, in order. */
  get jobs(): readonly string[] {
    return this.starts.map(({ job }) => job);
  }
}

/** The output of one call of the command. */
export interface CommandOutput {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** Parses standard output as JSON. */
  json<T = Record<string, unknown>>(): T;
}

/** The name of a provider of the demo. */
export type ProviderName = DemoProvider['party'];

/** A file that each provider provisions: a header and 300 rows about the same people. */
const DATA: Readonly<Record<ProviderName, readonly string[]>> = {
  hospital: [
    'patient_id,age,region',
    ...numbers(300).map(row => `P-${9000 + row * 7},${20 + (row % 60)},${row % 2 === 0 ? 'north' : 'south'}`)
  ],
  insurer: ['patient_id,paid', ...numbers(300).map(row => `P-${9000 + row * 7},${100 + row * 3}`)]
};

function numbers(count: number): number[] {
  return [...Array(count).keys()];
}

/** The whole demo except the TEE in one process, with its own folders and ports. */
export class DemoWorld {
  readonly root: string;
  readonly layout: DemoLayout;
  /** The origin of each custodian. */
  readonly origins: CustodianOrigins;
  readonly url: string;
  readonly backend = new RecordingBackend();
  readonly simulator: SimulatorIdentity;
  coordinator: RunningCoordinator | undefined;
  readonly #custodians = new Map<ProviderName, RunningCustodian>();
  /** The number of milliseconds by which the custodians' clocks are ahead. */
  clockOffsetMs = 0;

  private constructor(
    root: string,
    ports: readonly [coordinator: number, hospital: number, insurer: number],
    simulator: SimulatorIdentity
  ) {
    const [coordinator, hospital, insurer] = ports;
    this.root = root;
    this.layout = new DemoLayout(path.join(root, 'demo'));
    this.url = `http://127.0.0.1:${coordinator}`;
    this.origins = {
      hospital: `http://hospital.localhost:${hospital}`,
      insurer: `http://insurer.localhost:${insurer}`
    };
    this.simulator = simulator;
  }

  /** Sets the demo up without starting it. */
  static async create(): Promise<DemoWorld> {
    const root = await mkdtemp(path.join(tmpdir(), 'clean-room-demo-'));
    await writeKernelImage(path.join(root, 'kernel-images'));
    // Creating the simulator's keys takes seconds, and all tests can share them.
    const simulator = await openIdentity(
      fileURLToPath(new URL('../../../../.cache/server/simulator', import.meta.url))
    );
    const world = new DemoWorld(root, [await freePort(), await freePort(), await freePort()], simulator);
    await world.#setUp();
    return world;
  }

  async #setUp(): Promise<void> {
    await createDemo({
      folder: this.layout.root,
      kernelImages: path.join(this.root, 'kernel-images'),
      simulatorRoot: this.simulator.root.sha256,
      locations: {
        coordinatorUrl: this.url,
        custodianOrigins: this.origins,
        custodianHost: '127.0.0.1',
        images: path.join(this.root, 'images')
      },
      now: new Date()
    });
  }

  /**
   * Starts the coordinator and custodians, and publishes rosters and collaboration.
   *
   * @param providers - the providers whose custodians are started, by default only the hospital
   */
  async start(...providers: ProviderName[]): Promise<void> {
    const config: unknown = JSON.parse(await readFile(this.layout.coordinatorConfig, 'utf8'));
    const quiet = { ...(config as object), logLevel: 'silent' };
    this.coordinator = await startCoordinator(quiet, { backend: this.backend, images: NO_IMAGES });
    await publishDemo(this.layout.root);
    for (const provider of providers.length > 0 ? providers : (['hospital'] as const))
      await this.#startCustodian(provider);
  }

  async #startCustodian(provider: ProviderName): Promise<void> {
    const own = await readCustodianHome(this.layout.custodian(provider));
    const custodian = await startCustodian(
      { ...own, config: { ...own.config, logLevel: 'silent' } },
      {
        kernelImages: path.join(this.root, 'kernel-images'),
        now: () => new Date(Date.now() + this.clockOffsetMs)
      }
    );
    this.#custodians.set(provider, custodian);
  }

  /** Returns the custodian of a provider, which has been started. */
  custodian(provider: ProviderName): RunningCustodian {
    const custodian = this.#custodians.get(provider);
    if (custodian === undefined) throw new Error(`The custodian of ${provider} was not started.`);
    return custodian;
  }

  /** Stops everything and deletes the folder. */
  async stop(): Promise<void> {
    await this.coordinator?.close();
    for (const custodian of this.#custodians.values()) await custodian.close();
    await rm(this.root, { recursive: true, force: true });
  }

  /** Runs the `clean-room` command in this process. */
  async run(...args: string[]): Promise<CommandOutput> {
    const [out, err]: [string[], string[]] = [[], []];
    const terminal: Terminal = {
      print: line => void out.push(line),
      remark: line => void err.push(line),
      readInput: async () => new Uint8Array(),
      ask: async () => undefined,
      env: {
        HOME: this.root,
        CLEAN_ROOM_HOME: this.layout.person,
        CLEAN_ROOM_KERNEL_IMAGES: path.join(this.root, 'kernel-images'),
        CLEAN_ROOM_PYTHON: fileURLToPath(new URL('../../../../.venv/bin/python', import.meta.url))
      },
      folder: this.root,
      now: () => new Date(),
      stopped: new AbortController().signal
    };
    const code = await runCommand(args, terminal);
    const text = out.join('\n');
    return { code, out: text, err: err.join('\n'), json: <T>() => JSON.parse(text) as T };
  }

  /** Returns a client of the coordinator with which the demo person acts for a party. */
  client(party: string): Client {
    return new Client({
      base: this.url,
      token: () => readSecretFile(path.join(this.layout.person, 'token')),
      party
    });
  }

  /** Provisions the dataset of a provider with 300 rows. */
  async provision(provider: ProviderName = 'hospital'): Promise<void> {
    const { dataset } = DEMO_PROVIDERS.find(({ party }) => party === provider)!;
    const file = path.join(this.root, `${provider}.csv`);
    await writeFile(file, DATA[provider].join('\n'));
    const output = await this.run(
      'provision',
      file,
      '--name',
      dataset,
      '--policy',
      this.layout.policy(dataset),
      '--yes',
      '--json'
    );
    if (output.code !== 0) throw new Error(`${output.out}\n${output.err}`);
  }

  /** Writes a notebook with these code cells, each with an output. */
  async notebook(name: string, ...sources: string[]): Promise<string> {
    const cells = sources.map((source, index) => ({
      cell_type: 'code',
      id: `c${index}`,
      metadata: {},
      source,
      execution_count: 7,
      outputs: [{ output_type: 'stream', name: 'stdout', text: 'P-9007 was here' }]
    }));
    const file = path.join(this.root, name);
    await writeFile(file, JSON.stringify({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 }));
    return file;
  }

  /** Submits a notebook that opens hospital/visits and contains these additional cells. */
  async submit(...sources: string[]): Promise<{ id: string; image: string; spec: string }> {
    const code = [
      'from clean_room import open_dataset',
      'open_dataset("hospital/visits").to_pandas().age.mean()',
      ...sources
    ];
    const file = await this.notebook('explore.ipynb', ...code);
    const output = await this.run('submit', file, '--purpose', 'Teaching', '--json');
    if (output.code !== 0) throw new Error(`${output.out}\n${output.err}`);
    return output.json();
  }

  /** Submits a notebook that joins hospital/visits and insurer/claims and contains these additional cells. */
  async submitJoin(...sources: string[]): Promise<{ id: string; image: string; spec: string }> {
    const code = [
      'from clean_room import open_dataset',
      'visits, claims = open_dataset("hospital/visits").to_pandas(), open_dataset("insurer/claims").to_pandas()',
      'visits.merge(claims, on="patient_id").groupby("region").paid.mean()',
      ...sources
    ];
    const file = await this.notebook('costs.ipynb', ...code);
    const output = await this.run('submit', file, '--purpose', DEMO_PURPOSES[0], '--json');
    if (output.code !== 0) throw new Error(`${output.out}\n${output.err}`);
    return output.json();
  }

  /** Approves a submission without a passkey, for one provider. */
  async approve(submission: string, provider: ProviderName, runs = 1): Promise<void> {
    const output = await this.run(
      'approve',
      submission,
      '--party',
      provider,
      '--without-passkey',
      '--runs',
      String(runs),
      '--json'
    );
    if (output.code !== 0) throw new Error(`${output.out}\n${output.err}`);
  }
}
