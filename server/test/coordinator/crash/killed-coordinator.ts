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

/** When a life of the coordinator ends: around a commit that makes a transition, or around the start of a TEE. */
export type KillPoint = 'before-commit' | 'after-commit' | 'before-start' | 'after-start';

export interface Kill {
  readonly moment: KillPoint;
  /** `subject state` of the transition whose commit is meant. */
  readonly transition?: string;
}

export interface ChildSettings {
  readonly kill: Kill | undefined;
  /** Queues that nobody works on. */
  readonly idle: readonly (keyof CoordinatorJobs)[];
  readonly config: CoordinatorConfig;
  readonly kernelImage: readonly [manifest: string, config: string, statement: Envelope];
  /** The folder that TEEs are in. */
  readonly tees: string;
}

/** An entry of the log, as far as it names a transition. */
export interface Entry {
  readonly subject: string;
  readonly id: string;
  readonly state: string;
}

export interface Crash {
  readonly moment: KillPoint;
  /** What the transaction it died at had entered in the log. */
  readonly entries: readonly Entry[];
}

/** What is said between the two processes. */
export type ToChild = { readonly begin: ChildSettings } | { readonly arm: Kill };
export type FromChild = { readonly url: string } | { readonly armed: true };

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));

async function lines(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.split('\n').filter(line => line !== '');
}

/** A coordinator that dies and is started again, as often as it takes. */
export class KilledCoordinator {
  url = '';
  #child: ChildProcess | undefined;
  /** A process that has read its program, and waits to be events to begin: most of the time of a start. */
  #spare: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #again: Promise<void> | undefined;
  #script = '';
  #idle: ChildSettings['idle'] = [];
  /** Kills to come; the first of them is armed. */
  #kills: Kill[] = [];
  readonly #fixed: Pick<ChildSettings, 'config' | 'kernelImage' | 'tees'>;

  private constructor(fixed: Pick<ChildSettings, 'config' | 'kernelImage' | 'tees'>) {
    this.#fixed = fixed;
  }

  static async start(
    config: CoordinatorConfig,
    image: KernelImageOnFile,
    tees: string
  ): Promise<KilledCoordinator> {
    const killed = new KilledCoordinator({
      config,
      kernelImage: [toBase64(image.manifest), toBase64(image.config), image.statement],
      tees
    });
    killed.#script = path.join(await bundle([CHILD]), 'child.mjs');
    killed.#spare = killed.#spawn();
    await killed.#begin();
    return killed;
  }

  /** Kills that have yet to come. */
  get due(): readonly Kill[] {
    return this.#kills;
  }

  /** Ends this life, and begins one that leaves the queues named alone. */
  async restart(idle: ChildSettings['idle'] = [], kills: readonly Kill[] = []): Promise<void> {
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
      child.send({ arm: first } satisfies ToChild, error => {
        if (error !== null) reject(error);
      });
    });
  }

  /** Begins the next life once this one is over; one, however many ask for it. */
  async restartIfKilled(): Promise<void> {
    this.#again ??= this.#restartIfKilled().finally(() => (this.#again = undefined));
    return this.#again;
  }

  async #restartIfKilled(): Promise<void> {
    const child = this.#child;
    if (child?.exitCode === null && child.signalCode === null) return;
    await this.#ended;
    if (child?.signalCode !== 'SIGKILL') throw new Error('the coordinator ended by itself');
    this.#kills.shift();
    await this.#begin();
  }

  /** Waits for an answer no longer than the life that could give it lasts. @throws CleanRoomError `unavailable` */
  async whileRunning<T>(answer: Promise<T>): Promise<T> {
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
    const life: ChildSettings = { ...this.#fixed, kill: this.#kills[0], idle: this.#idle };
    await new Promise<void>((resolve, reject) => {
      child.once('message', message => {
        if ('url' in (message as FromChild)) this.url = (message as { url: string }).url;
        resolve();
      });
      child.once('close', (_code, signal) => {
        // What an earlier life left to do may bring its death before it can be called.
        if (signal === 'SIGKILL') resolve();
        else reject(new Error('the coordinator ended before it was ready'));
      });
      child.send({ begin: life } satisfies ToChild);
    });
    this.#spare = this.#spawn();
  }

  async end(): Promise<void> {
    this.#child?.kill('SIGKILL');
    this.#spare?.kill('SIGKILL');
    await this.#ended;
    if (this.#script !== '') await rm(path.dirname(this.#script), { recursive: true });
  }

  async crashes(): Promise<Crash[]> {
    return (await lines(path.join(this.#fixed.tees, 'crashes'))).map(line => JSON.parse(line) as Crash);
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
