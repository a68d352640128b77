import { spawn, type ChildProcess } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { toBase64 } from '@clean-room/protocol/bytes';
import type { Envelope } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { CoordinatorConfig } from '../../../src/coordinator/start.js';
import type { CoordinatorJobs } from '../../../src/coordinator/background/jobs.js';
import type { KernelImageOnFile } from '../../../src/coordinator/images/kernel-images.js';
import { bundle, CACHE } from '../../support/bundle.js';

/** When a life of the coordinator ends: around a commit that makes a move, or around the start of a TEE. */
export type Moment = 'before-commit' | 'after-commit' | 'before-start' | 'after-start';

export interface Kill {
  readonly moment: Moment;
  /** `subject state` of the move whose commit is meant. */
  readonly move?: string;
}

export interface Life {
  readonly kill: Kill | undefined;
  /** Queues that nobody works on. */
  readonly idle: readonly (keyof CoordinatorJobs)[];
  readonly config: CoordinatorConfig;
  readonly kernelImage: readonly [manifest: string, config: string, statement: Envelope];
  /** The folder that TEEs are in. */
  readonly tees: string;
}

/** An entry of the log, as far as it names a move. */
export interface Entry {
  readonly subject: string;
  readonly id: string;
  readonly state: string;
}

export interface Death {
  readonly moment: Moment;
  /** What the transaction it died at had entered in the log. */
  readonly entries: readonly Entry[];
}

/** What is said between the two processes. */
export type ToLife = { readonly begin: Life } | { readonly arm: Kill };
export type FromLife = { readonly url: string } | { readonly armed: true };

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));

async function lines(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.split('\n').filter(line => line !== '');
}

/** A coordinator that dies and is started again, as often as it takes. */
export class Lives {
  url = '';
  #child: ChildProcess | undefined;
  /** A process that has read its program, and waits to be told to begin: most of the time of a start. */
  #spare: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #again: Promise<void> | undefined;
  #script = '';
  #idle: Life['idle'] = [];
  /** Kills to come; the first of them is armed. */
  #kills: Kill[] = [];
  readonly #fixed: Pick<Life, 'config' | 'kernelImage' | 'tees'>;

  private constructor(fixed: Pick<Life, 'config' | 'kernelImage' | 'tees'>) {
    this.#fixed = fixed;
  }

  static async start(config: CoordinatorConfig, image: KernelImageOnFile, tees: string): Promise<Lives> {
    const lives = new Lives({
      config,
      kernelImage: [toBase64(image.manifest), toBase64(image.config), image.statement],
      tees
    });
    lives.#script = path.join(await bundle([CHILD]), 'child.mjs');
    lives.#spare = lives.#spawn();
    await lives.#begin();
    return lives;
  }

  /** Kills that have yet to come. */
  get due(): readonly Kill[] {
    return this.#kills;
  }

  /** Ends this life, and begins one that leaves the queues named alone. */
  async restart(idle: Life['idle'] = [], kills: readonly Kill[] = []): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#ended;
    this.#idle = idle;
    this.#kills = [...kills];
    await this.#begin();
  }

  /** Has this life, and those after it, killed at these moments, one after the other. */
  async arm(...kills: Kill[]): Promise<void> {
    const [first] = kills;
    const child = this.#child;
    if (first === undefined || child === undefined) throw new Error('nothing to arm');
    this.#kills = kills;
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.send({ arm: first } satisfies ToLife, error => {
        if (error !== null) reject(error);
      });
    });
  }

  /** Begins the next life once this one is over; one, however many ask for it. */
  async beginAgainIfOver(): Promise<void> {
    this.#again ??= this.#beginAgainIfOver().finally(() => (this.#again = undefined));
    return this.#again;
  }

  async #beginAgainIfOver(): Promise<void> {
    const child = this.#child;
    if (child?.exitCode === null && child.signalCode === null) return;
    await this.#ended;
    if (child?.signalCode !== 'SIGKILL') throw new Error('the coordinator ended by itself');
    this.#kills.shift();
    await this.#begin();
  }

  /** Waits for an answer no longer than the life that could give it lasts. @throws CleanRoomError `unavailable` */
  async whileAlive<T>(answer: Promise<T>): Promise<T> {
    const over = this.#ended.then(() => {
      throw new CleanRoomError('unavailable', 'The coordinator was killed.');
    });
    return Promise.race([answer, over]);
  }

  #spawn(): ChildProcess {
    return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', this.#script], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, NODE_COMPILE_CACHE: path.join(CACHE, 'compiled') }
    });
  }

  async #begin(): Promise<void> {
    const child = this.#spare ?? this.#spawn();
    this.#spare = undefined;
    this.#child = child;
    this.#ended = new Promise(resolve => child.once('close', () => resolve()));
    const life: Life = { ...this.#fixed, kill: this.#kills[0], idle: this.#idle };
    await new Promise<void>((resolve, reject) => {
      child.once('message', message => {
        if ('url' in (message as FromLife)) this.url = (message as { url: string }).url;
        resolve();
      });
      child.once('close', (_code, signal) => {
        // What an earlier life left to do may bring its death before it can be called.
        if (signal === 'SIGKILL') resolve();
        else reject(new Error('the coordinator ended before it was ready'));
      });
      child.send({ begin: life } satisfies ToLife);
    });
    this.#spare = this.#spawn();
  }

  async end(): Promise<void> {
    this.#child?.kill('SIGKILL');
    this.#spare?.kill('SIGKILL');
    await this.#ended;
    if (this.#script !== '') await rm(path.dirname(this.#script), { recursive: true });
  }

  async deaths(): Promise<Death[]> {
    return (await lines(path.join(this.#fixed.tees, 'deaths'))).map(line => JSON.parse(line) as Death);
  }

  /** Attempts whose TEE came to be; one that is named twice was started twice. */
  starts(): Promise<string[]> {
    return lines(path.join(this.#fixed.tees, 'starts'));
  }

  async ended(attempt: string): Promise<boolean> {
    const file = path.join(this.#fixed.tees, attempt, 'ended');
    return readFile(file).then(
      () => true,
      () => false
    );
  }

  job(attempt: string): Promise<string> {
    return readFile(path.join(this.#fixed.tees, attempt, 'job'), 'utf8');
  }
}
