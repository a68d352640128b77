import { CleanRoomError } from '@clean-room/protocol/errors';
import { StringDecoder } from 'node:string_decoder';
import { encodeRequest, FrameDecoder } from '../frames/pipe.js';
import { parseFrame, type Frame, type StreamName } from '../frames/frame.js';
import { WRITABLE_FOLDERS, type SandboxLimits } from '../warden/limits.js';
import { WardenProcess } from '../warden/process.js';
import type { WardenOptions } from '../warden/arguments.js';
import { NotebookOutputs, type RawOutput } from './outputs.js';
import {
  sandboxEnd,
  type CellResult,
  type SandboxCellStatus,
  type SandboxEnd,
  type SandboxEndReason
} from './results.js';

/** How long an interrupted cell may continue before the sandbox is killed. */
const INTERRUPT_GRACE_MS = 3000;
const START_TIMEOUT_MS = 60_000;

/** The settings of a notebook's sandbox. */
export interface SandboxOptions extends Omit<WardenOptions, 'limits' | 'workdir' | 'writable'> {
  readonly limits: SandboxLimits;
  /** Returns the time for the times of cells, in milliseconds since 1970. `Date.now` by default. */
  readonly now?: () => number;
}

interface RunningCell {
  readonly index: number;
  readonly executionCount: number;
  readonly startedAt: number;
  readonly outputs: readonly RawOutput[];
  readonly finished: PromiseWithResolvers<CellResult>;
  bytes: number;
  interrupted: boolean;
  /** True after the done frame, while the rest of the raw pipes is read. */
  closing: boolean;
}

/**
 * The interpreter of a notebook inside the sandbox. It runs one cell at a time. The frames of the sandbox are not
 * trusted: a frame at the wrong time, for another cell or out of bounds ends the run.
 */
export class Sandbox {
  /** Settles when no process of the sandbox is alive. */
  readonly ended: Promise<SandboxEnd>;
  readonly #warden: WardenProcess;
  readonly #limits: SandboxLimits;
  readonly #now: () => number;
  readonly #outputs: NotebookOutputs;
  readonly #frames = new FrameDecoder();
  readonly #ready = Promise.withResolvers<undefined>();
  readonly #pending: [StreamName, string][] = [];
  #pendingBytes = 0;
  #isReady = false;
  #running: RunningCell | undefined;
  #lastIndex = -1;
  #executionCount = 0;
  #reason: SandboxEndReason | undefined;
  #isOver = false;

  private constructor(options: SandboxOptions) {
    this.#limits = options.limits;
    this.#now = options.now ?? Date.now;
    this.#outputs = new NotebookOutputs(options.limits.outputsPerCell);
    this.#warden = new WardenProcess({ ...options, workdir: '/nb', writable: WRITABLE_FOLDERS });
    this.#ready.promise.catch(() => undefined);
    this.#listenRaw('stdout');
    this.#listenRaw('stderr');
    this.#warden.frames.on('data', (chunk: Buffer) => this.#onBytes(chunk));
    this.ended = this.#waitForEnd();
    this.ended.catch(() => undefined);
  }

  /**
   * Starts the interpreter and waits until it can run cells.
   *
   * @throws CleanRoomError `sandbox-unsafe` when a protection could not be set up; nothing has run then
   * @throws CleanRoomError `run-failed` when the interpreter did not start
   */
  static async open(options: SandboxOptions): Promise<Sandbox> {
    const sandbox = new Sandbox(options);
    await sandbox.#warden.started;
    const timer = setTimeout(() => sandbox.#kill('killed'), START_TIMEOUT_MS);
    try {
      await sandbox.#ready.promise;
    } finally {
      clearTimeout(timer);
    }
    return sandbox;
  }

  /**
   * Runs one cell and waits for its end.
   *
   * @param index - position of the cell in the notebook, higher than that of the previous cell
   * @param source - source code of the cell
   * @throws CleanRoomError `conflict` when another cell runs, the index is not higher, or the sandbox has ended
   */
  async runCell(index: number, source: string): Promise<CellResult> {
    if (this.#isOver)
      throw new CleanRoomError('conflict', 'The sandbox has ended, so it cannot run another cell.');
    if (this.#running !== undefined) throw new CleanRoomError('conflict', 'Another cell is still running.');
    if (!Number.isSafeInteger(index) || index <= this.#lastIndex) {
      throw new CleanRoomError('conflict', 'Cells must run in the order of the notebook, each of them once.');
    }
    this.#lastIndex = index;
    const startedAt = this.#now();
    const outputs = this.#outputs.begin();
    if (source.trim() === '') {
      return { index, outputs, executionCount: null, startedAt, endedAt: startedAt, status: 'ok' };
    }
    const cell: RunningCell = {
      index,
      executionCount: ++this.#executionCount,
      startedAt,
      outputs,
      finished: Promise.withResolvers<CellResult>(),
      bytes: 0,
      interrupted: false,
      closing: false
    };
    this.#running = cell;
    for (const [name, text] of this.#pending.splice(0)) this.#outputs.text(name, text);
    this.#pendingBytes = 0;
    this.#warden.requests.write(encodeRequest(index, cell.executionCount, source));
    const timer = setTimeout(() => this.interrupt(), this.#limits.cellSeconds * 1000);
    try {
      return await cell.finished.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Interrupts the running cell, as the stop button of Jupyter does. If the cell continues, the sandbox is killed. */
  interrupt(): void {
    const cell = this.#running;
    if (cell === undefined || cell.interrupted) return;
    cell.interrupted = true;
    this.#warden.interrupt();
    const timer = setTimeout(() => this.#kill('cell-time'), INTERRUPT_GRACE_MS);
    void cell.finished.promise.finally(() => clearTimeout(timer));
  }

  /** Kills all processes of the sandbox and waits for their end. */
  async close(): Promise<SandboxEnd> {
    this.#kill(this.#running === undefined ? 'closed' : 'killed');
    return this.ended;
  }

  #kill(reason: SandboxEndReason): void {
    if (this.#isOver) return;
    this.#reason ??= reason;
    this.#warden.kill();
  }

  async #waitForEnd(): Promise<SandboxEnd> {
    const drained = Promise.all(
      [this.#warden.frames, this.#warden.stdout, this.#warden.stderr].map(
        pipe => new Promise(resolve => pipe.once('close', resolve))
      )
    );
    try {
      const outcome = await this.#warden.ended;
      await drained;
      return sandboxEnd(outcome, this.#reason);
    } finally {
      this.#isOver = true;
      this.#ready.reject(
        new CleanRoomError('run-failed', 'The interpreter of the notebook ended before it could run a cell.')
      );
      this.#finish('ended');
    }
  }

  #listenRaw(name: StreamName): void {
    const decoder = new StringDecoder('utf8');
    this.#warden[name].on('data', (chunk: Buffer) => {
      this.#guard(() => {
        this.#count(chunk.length);
        const text = decoder.write(chunk).toWellFormed();
        if (this.#running === undefined) this.#pending.push([name, text]);
        else this.#outputs.text(name, text);
      });
    });
  }

  #onBytes(chunk: Buffer): void {
    this.#guard(() => {
      for (const bytes of this.#frames.push(chunk)) {
        this.#count(bytes.length);
        this.#onFrame(parseFrame(bytes));
      }
    });
  }

  /** Reads input of the sandbox. Input that violates the protocol ends the run; later input is ignored. */
  #guard(read: () => void): void {
    if (this.#reason !== undefined) return;
    try {
      read();
    } catch (error) {
      if (!(error instanceof CleanRoomError)) throw error;
      this.#kill(error.code === 'too-large' ? 'output' : 'protocol');
    }
  }

  #count(bytes: number): void {
    const total =
      this.#running === undefined ? (this.#pendingBytes += bytes) : (this.#running.bytes += bytes);
    if (total > this.#limits.outputBytesPerCell) {
      throw new CleanRoomError('too-large', 'The cell produced more bytes of output than its limit.');
    }
  }

  #onFrame(frame: Frame): void {
    if (frame.type === 'ready') {
      if (this.#isReady) throw new CleanRoomError('malformed', 'The sandbox sent a second ready frame.');
      this.#isReady = true;
      this.#ready.resolve(undefined);
      return;
    }
    const cell = this.#running;
    if (cell === undefined || cell.closing || frame.cell !== cell.index) {
      throw new CleanRoomError('malformed', 'The sandbox sent a frame for a cell that is not running.');
    }
    if (frame.type !== 'done') {
      this.#outputs.apply(frame);
      return;
    }
    cell.closing = true;
    // The raw pipes may still hold output of this cell. Two turns of the event loop are enough to read it.
    setImmediate(() => setImmediate(() => this.#finish()));
  }

  #finish(forced?: SandboxCellStatus): void {
    const cell = this.#running;
    if (cell === undefined) return;
    this.#running = undefined;
    this.#outputs.flush();
    const failed = cell.outputs.some(output => output.type === 'error');
    const status = forced ?? (cell.interrupted ? 'interrupted' : failed ? 'error' : 'ok');
    const { index, outputs, executionCount, startedAt } = cell;
    cell.finished.resolve({ index, outputs, executionCount, startedAt, endedAt: this.#now(), status });
  }
}

/** Starts the interpreter of a notebook in a sandbox; see {@link Sandbox.open}. */
export function openSandbox(options: SandboxOptions): Promise<Sandbox> {
  return Sandbox.open(options);
}
