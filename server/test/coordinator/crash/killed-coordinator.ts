import { spawn, type ChildProcess } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { toBase64 } from '@clean-room/protocol/bytes';
import type { Envelope } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { CoordinatorConfig } from '../../../src/coordinator/start.js';
import type { CoordinatorJobs } from '../../../src/coordinator/background/jobs.js';
import type { KernelImageOnFile } from '../../../src/coordinator/images/kernel-images.js';
import { bundle, CACHE } from '../../support/bundle.js';

/**
 * The point at which the coordinator is killed: before or after a commit with a transition, the commit that gives its log entries
 * their numbers, or the start of a TEE.
 */
export type KillPoint =
  'before-commit' | 'after-commit' | 'before-numbering' | 'after-numbering' | 'before-start' | 'after-start';

/** A planned kill. */
export interface Kill {
  readonly point: KillPoint;
  /** The transition whose commit is meant, as `subject state`. */
  readonly transition?: string;
}

/** Settings of one process of the coordinator. */
export interface ChildSettings {
  readonly kill: Kill | undefined;
  /** Queues whose jobs are not handled. */
  readonly idle: readonly (keyof CoordinatorJobs)[];
  readonly config: CoordinatorConfig;
  readonly kernelImage: readonly [manifest: string, config: string, statement: Envelope];
  /** Folder that contains the TEEs. */
  readonly tees: string;
}

/** The part of a log entry that names a transition. */
export interface Entry {
  readonly subject: string;
  readonly id: string;
  readonly state: string;
}

/**
 * An entry with its index in the log, or the lowest that it can get. The index tells apart the states that a run reaches more than
 * once.
 */
export interface LoggedEntry extends Entry {
  readonly index: number;
}

/** A kill that has happened. */
export interface Crash {
  readonly point: KillPoint;
  /** Log entries of the transaction during which the process was killed. */
  readonly entries: readonly LoggedEntry[];
}

/** Messages between the two processes. */
export type ToChild = { readonly start: ChildSettings } | { readonly arm: Kill };
export type FromChild = { readonly url: string } | { readonly armed: true };

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));

async function lines(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.split('\n').filter(line => line !== '');
}

/** A coordinator that is killed at planned points, and started again each time. */
export class KilledCoordinator {
  url = '';
  #child: ChildProcess | undefined;
  /** A process that has already loaded the program, which takes most of the starting time. */
  #spare: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #restarting: Promise<void> | undefined;
  #script = '';
  #idle: ChildSettings['idle'] = [];
  /** Kills that have not happened yet. The first one is armed. */
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
    const coordinator = new KilledCoordinator({
      config,
      kernelImage: [toBase64(image.manifest), toBase64(image.config), image.statement],
      tees
    });
    coordinator.#script = path.join(await bundle([CHILD]), 'child.mjs');
    coordinator.#spare = coordinator.#spawn();
    await coordinator.#startProcess();
    return coordinator;
  }

  /** Planned kills that have not happened yet. */
  get pendingKills(): readonly Kill[] {
    return this.#kills;
  }

  /** Kills the process. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#ended;
  }

  /** Resolves when the process has ended. */
  ended(): Promise<void> {
    return this.#ended;
  }

  /** Kills the process, and starts one that does not handle the jobs of the queues in `idle`. */
  async restart(idle: ChildSettings['idle'] = [], kills: readonly Kill[] = []): Promise<void> {
    await this.kill();
    this.#idle = idle;
    this.#kills = [...kills];
    await this.#startProcess();
  }

  /** Plans kills of this process and of its successors, one after the other. */
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

  /** Starts the next process if this one was killed. Concurrent calls start only one. */
  async restartIfKilled(): Promise<void> {
    this.#restarting ??= this.#restart().finally(() => (this.#restarting = undefined));
    return this.#restarting;
  }

  async #restart(): Promise<void> {
    const child = this.#child;
    if (child?.exitCode === null && child.signalCode === null) return;
    await this.#ended;
    if (child?.signalCode !== 'SIGKILL') throw new Error('the coordinator ended by itself');
    this.#kills.shift();
    await this.#startProcess();
  }

  /**
   * Waits for a response while the process is running.
   *
   * @throws CleanRoomError `unavailable` when the process is killed
   */
  async whileRunning<T>(answer: Promise<T>): Promise<T> {
    const killed = this.#ended.then(() => {
      throw new CleanRoomError('unavailable', 'The coordinator was killed.');
    });
    return Promise.race([answer, killed]);
  }

  #spawn(): ChildProcess {
    return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', this.#script], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, NODE_COMPILE_CACHE: path.join(CACHE, 'compiled') }
    });
  }

  async #startProcess(): Promise<void> {
    const child = this.#spare ?? this.#spawn();
    this.#spare = undefined;
    this.#child = child;
    this.#ended = new Promise(resolve => child.once('close', () => resolve()));
    const settings: ChildSettings = { ...this.#fixed, kill: this.#kills[0], idle: this.#idle };
    await new Promise<void>((resolve, reject) => {
      child.once('message', message => {
        if ('url' in (message as FromChild)) this.url = (message as { url: string }).url;
        resolve();
      });
      child.once('close', (_code, signal) => {
        // Work that an earlier process left unfinished can reach the planned kill before the first request.
        if (signal === 'SIGKILL') resolve();
        else reject(new Error('the coordinator ended before it was ready'));
      });
      child.send({ start: settings } satisfies ToChild);
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

  /** Returns the attempts whose TEE was started. An attempt that occurs twice was started twice. */
  starts(): Promise<string[]> {
    return lines(path.join(this.#fixed.tees, 'starts'));
  }

  async teeEnded(attempt: string): Promise<boolean> {
    const file = path.join(this.#fixed.tees, attempt, 'ended');
    return readFile(file).then(
      () => true,
      () => false
    );
  }

  /** Ends a machine as a cloud does that needs it for itself. */
  async preempt(attempt: string): Promise<void> {
    await writeFile(path.join(this.#fixed.tees, attempt, 'preempted'), '');
  }

  job(attempt: string): Promise<string> {
    return readFile(path.join(this.#fixed.tees, attempt, 'job'), 'utf8');
  }
}
