import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { toBase64 } from '@clean-room/protocol/bytes';
import type { Envelope } from '@clean-room/protocol/documents';
import type { CoordinatorConfig } from '../../../src/coordinator/index.js';
import type { KernelImageOnFile } from '../../../src/coordinator/images/kernel-images.js';

/** When a life of the coordinator ends. */
export type Moment = 'before-commit' | 'after-commit' | 'before-start' | 'after-start' | 'never';

export interface Life {
  readonly moment: Moment;
  /** At which such moment of this life. */
  readonly count: number;
  readonly config: CoordinatorConfig;
  readonly kernelImage: readonly [manifest: string, config: string, statement: Envelope];
  /** The folder that TEEs are in. */
  readonly tees: string;
}

const CACHE = path.resolve('../.cache/server');

/** The child as one file, straight from the sources under test. */
async function bundle(): Promise<string> {
  const folder = await mkdtemp(path.join(CACHE, 'crash-'));
  const outfile = path.join(folder, 'child.mjs');
  await build({
    entryPoints: [path.resolve('test/coordinator/crash/child.ts')],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node24',
    logLevel: 'error'
  });
  return outfile;
}

/** A coordinator that dies and is started again, as often as it takes. */
export class Lives {
  url = '';
  /** How many have been. */
  lives = 0;
  /** `subject state` of every move that a life, killed since, had made. */
  readonly diedBehind: string[] = [];
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #script = '';
  #next: Pick<Life, 'moment' | 'count'> = { moment: 'never', count: 0 };
  readonly #config: CoordinatorConfig;
  readonly #kernelImage: Life['kernelImage'];
  readonly #tees: string;

  constructor(config: CoordinatorConfig, image: KernelImageOnFile, tees: string) {
    this.#config = config;
    this.#kernelImage = [toBase64(image.manifest), toBase64(image.config), image.statement];
    this.#tees = tees;
  }

  /** How the lives from the next one on end; the first of them begins now. */
  async from(moment: Moment, count: number): Promise<void> {
    await this.end();
    this.#next = { moment, count };
    await this.begin();
  }

  async begin(): Promise<void> {
    if (this.#script === '') this.#script = await bundle();
    const file = path.join(path.dirname(this.#script), 'life.json');
    const life: Life = {
      ...this.#next,
      config: this.#config,
      kernelImage: this.#kernelImage,
      tees: this.#tees
    };
    await writeFile(file, JSON.stringify(life));
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', this.#script, file], {
      stdio: ['ignore', 'pipe', 'inherit']
    });
    this.#child = child;
    this.lives += 1;
    this.#ended = new Promise(resolve => child.once('close', () => resolve()));
    await new Promise<void>((resolve, reject) => {
      let rest = '';
      const moves: string[] = [];
      child.stdout.on('data', (chunk: Buffer) => {
        const lines = (rest + chunk.toString()).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          if (line.startsWith('ready ')) {
            this.url = line.slice('ready '.length);
            resolve();
          }
          if (line.startsWith('moved ')) moves.push(line.slice('moved '.length));
        }
      });
      child.once('close', () => {
        if (child.signalCode === 'SIGKILL') this.diedBehind.push(...moves);
        reject(new Error('the coordinator ended before it was ready'));
      });
    });
  }

  /** Begins the next life once this one is over. @returns false while it still goes on */
  async beginAgainIfOver(): Promise<boolean> {
    if (this.#child?.exitCode === null && this.#child.signalCode === null) return false;
    await this.#ended;
    await this.begin();
    return true;
  }

  async end(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#ended;
  }

  /** Attempts whose TEE came to be; one that is named twice was started twice. */
  async starts(): Promise<string[]> {
    const text = await readFile(path.join(this.#tees, 'starts'), 'utf8').catch(() => '');
    return text.split('\n').filter(line => line !== '');
  }

  async job(attempt: string): Promise<string> {
    return readFile(path.join(this.#tees, attempt, 'job'), 'utf8');
  }
}
