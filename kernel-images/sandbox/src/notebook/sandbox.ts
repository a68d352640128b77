import { CleanRoomError } from '@clean-room/protocol/errors';
import { StringDecoder } from 'node:string_decoder';
import { FrameDecoder } from '../frames/decoder.js';
import { parseFrame, type Frame, type StreamName } from '../frames/frame.js';
import { encodeRequest } from '../frames/request.js';
import { WRITABLE_FOLDERS, type SandboxLimits } from '../warden/limits.js';
import { WardenProcess } from '../warden/process.js';
import type { CellResult, SandboxCellStatus, RunningCell, SandboxOptions } from './cell.js';
import { describeEnd, type SandboxEndReason, type SandboxEnd } from './end.js';
import { NotebookOutputs } from './outputs.js';

/** Time for an interrupt to work before everything is killed. */
const INTERRUPT_GRACE_MS = 3000;
const START_TIMEOUT_MS = 60_000;

/**
 * A notebook's interpreter inside the sandbox. Cells run one after the other. The sandbox's frames are claims: a frame
 * at the wrong time, for another cell or out of bounds ends the run.
 */
export class Sandbox {
  /** Settles when no process of the sandbox is alive any more. */
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
    this.ended = this.#follow();
    this.ended.catch(() => undefined);
  }

  /**
   * Starts the interpreter and waits until it can run cells.
   *
   * @throws CleanRoomError `sandbox-unsafe` when a protection could not be set up (nothing was run then), `run-failed`
   * when the interpreter did not start
   */
  static async open(options: SandboxOptions): Promise<Sandbox> {
    const sandbox = new Sandbox(options);
    await sandbox.#warden.started;
    const timer = setTimeout(() => sandbox.#end('killed'), START_TIMEOUT_MS);
    try {
      await sandbox.#ready.promise;
    } finally {
      clearTimeout(timer);
    }
    return sandbox;
  }

  /**
   * Runs one cell.
   *
   * @param index place of the cell in the notebook, higher than that of the cell before
   * @throws CleanRoomError `conflict` when a cell runs already, the index does not follow, or the sandbox has ended
   */
  async runCell(index: number, source: string): Promise<CellResult> {
    if (this.#isOver)
      throw new CleanRoomError('conflict', 'The sandbox has ended; no more cells can run in it.');
    if (this.#running !== undefined) throw new CleanRoomError('conflict', 'Another cell is still running.');
    if (!Number.isSafeInteger(index) || index <= this.#lastIndex) {
      throw new CleanRoomError('conflict', 'Cells run in the order of the notebook, each once.');
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

  /** Interrupts the running cell as Jupyter's stop button does; a cell that goes on all the same ends the sandbox. */
  interrupt(): void {
    const cell = this.#running;
    if (cell === undefined || cell.interrupted) return;
    cell.interrupted = true;
    this.#warden.interrupt();
    const timer = setTimeout(() => this.#end('cell-time'), INTERRUPT_GRACE_MS);
    void cell.finished.promise.finally(() => clearTimeout(timer));
  }

  /** Ends the sandbox with all its processes. */
  async close(): Promise<SandboxEnd> {
    this.#end(this.#running === undefined ? 'closed' : 'killed');
    return this.ended;
  }

  #end(reason: SandboxEndReason): void {
    if (this.#isOver) return;
    this.#reason ??= reason;
    this.#warden.kill();
  }

  async #follow(): Promise<SandboxEnd> {
    const drained = Promise.all(
      [this.#warden.frames, this.#warden.stdout, this.#warden.stderr].map(
        pipe => new Promise(resolve => pipe.once('close', resolve))
      )
    );
    try {
      const outcome = await this.#warden.ended;
      await drained;
      return describeEnd(outcome, this.#reason);
    } finally {
      this.#isOver = true;
      this.#ready.reject(
        new CleanRoomError('run-failed', "The notebook's interpreter ended before it could run a cell.")
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

  /** Whatever breaks the protocol ends the run; once it is ending, nothing more is taken in. */
  #guard(take: () => void): void {
    if (this.#reason !== undefined) return;
    try {
      take();
    } catch (error) {
      if (!(error instanceof CleanRoomError)) throw error;
      this.#end(error.code === 'too-large' ? 'output' : 'protocol');
    }
  }

  #count(bytes: number): void {
    const total =
      this.#running === undefined ? (this.#pendingBytes += bytes) : (this.#running.bytes += bytes);
    if (total > this.#limits.outputBytesPerCell) {
      throw new CleanRoomError('too-large', 'The cell has put out more bytes than a cell may.');
    }
  }

  #onFrame(frame: Frame): void {
    if (frame.type === 'ready') {
      if (this.#isReady) throw new CleanRoomError('malformed', 'The sandbox was ready before.');
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
    // two turns of the event loop, so that what is in the raw pipes already still belongs to this cell
    setImmediate(() => setImmediate(() => this.#finish(undefined)));
  }

  #finish(forced: SandboxCellStatus | undefined): void {
    const cell = this.#running;
    if (cell === undefined) return;
    this.#running = undefined;
    this.#outputs.settle();
    const failed = cell.outputs.some(output => output.type === 'error');
    const status = forced ?? (cell.interrupted ? 'interrupted' : failed ? 'error' : 'ok');
    const { index, outputs, executionCount, startedAt } = cell;
    cell.finished.resolve({ index, outputs, executionCount, startedAt, endedAt: this.#now(), status });
  }
}

/** See {@link Sandbox.open}. */
export function openSandbox(options: SandboxOptions): Promise<Sandbox> {
  return Sandbox.open(options);
}
