import {
  NOTEBOOK_COMMAND,
  notebookEnvironment,
  openSandbox,
  type CellResult,
  type Sandbox,
  type SandboxEnd,
  type SandboxLimits
} from '@clean-room/sandbox';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { CellStatus, FailureClass, RunFailure } from '@clean-room/protocol/runs';
import { reduceError } from '../filter/errors.js';
import type { RanCell } from '../filter/filter.js';
import { sandboxOptions, type RuntimePaths } from './sandbox.js';

/** The results of running a notebook. */
export interface RanNotebook {
  /** Every code cell in order, including those that did not run. */
  readonly cells: readonly (RanCell & { readonly status: CellStatus })[];
  readonly failure?: RunFailure;
}

/** Options of `runNotebook`. */
export interface NotebookRunOptions {
  readonly paths: RuntimePaths;
  readonly limits: SandboxLimits;
  readonly cores: number;
  /** Sources of the code cells. */
  readonly sources: readonly string[];
  /** Called before each cell with its position, from 1. */
  readonly onCell: (cell: number) => void;
  readonly signal?: AbortSignal;
}

const STATUS: Readonly<Record<CellResult['status'], CellStatus>> = {
  ok: 'ok',
  error: 'error',
  interrupted: 'interrupted',
  ended: 'interrupted'
};

/** Returns why the sandbox ended the notebook, or `undefined` when the supervisor closed it normally. */
function failureOf(end: SandboxEnd): FailureClass | undefined {
  switch (end.why) {
    case 'closed':
      return undefined;
    case 'memory':
    case 'memory-floor':
      return 'memory-limit';
    case 'disk':
    case 'inodes':
      return 'disk-limit';
    case 'wall':
    case 'cell-time':
      return 'time-limit';
    case 'output':
      return 'output-limit';
    case 'exit':
      // 24 is SIGXCPU, the soft limit of processor time. 9 is SIGKILL: the supervisor did not send it, so the kernel
      // did, because memory ran out.
      return end.signal === 24 ? 'time-limit' : end.signal === 9 ? 'memory-limit' : 'process-crash';
    case 'protocol':
    case 'killed':
      return 'process-crash';
    case 'warden-lost':
      throw new CleanRoomError(
        'sandbox-unsafe',
        'The sandbox’s warden ended unexpectedly, so its results are not used.'
      );
  }
}

function errorOf(result: CellResult, source: string): Pick<RunFailure, 'line' | 'exception'> {
  const error = result.outputs.find(output => output.type === 'error');
  if (error === undefined) return {};
  const { exception, line } = reduceError(error, source);
  return { exception, ...(line === undefined ? {} : { line }) };
}

interface CellRun {
  readonly result: CellResult;
  readonly source: string;
}

/** Runs cells until the first that does not end with status `ok`. */
async function runCells(sandbox: Sandbox, run: NotebookRunOptions): Promise<CellRun[]> {
  const ran: CellRun[] = [];
  for (const [index, source] of run.sources.entries()) {
    run.signal?.throwIfAborted();
    run.onCell(index + 1);
    const result = await sandbox.runCell(index, source);
    run.signal?.throwIfAborted();
    ran.push({ result, source });
    if (result.status !== 'ok') break;
  }
  return ran;
}

function describeFailure(ran: readonly CellRun[], end: SandboxEnd): RunFailure | undefined {
  const sandboxFailure = failureOf(end);
  const last = ran.at(-1);
  const failed = last !== undefined && last.result.status !== 'ok' ? last : undefined;
  const cell = failed === undefined ? {} : { cell: failed.result.index + 1 };
  if (sandboxFailure !== undefined) return { class: sandboxFailure, ...cell };
  if (failed === undefined) return undefined;
  if (failed.result.status === 'interrupted') return { class: 'time-limit', ...cell };
  return { class: 'notebook-error', ...cell, ...errorOf(failed.result, failed.source) };
}

/**
 * Runs the code cells in the sandbox one after the other until one fails. The sandbox and all its processes have ended
 * before any output is read. A failure of the notebook is a result, not an error.
 *
 * @throws CleanRoomError `sandbox-unsafe`; `run-failed` when no cell could be run
 */
export async function runNotebook(run: NotebookRunOptions): Promise<RanNotebook> {
  const sandbox = await openSandbox({
    ...sandboxOptions(run.paths, 'notebook'),
    limits: run.limits,
    env: notebookEnvironment(run.cores),
    command: NOTEBOOK_COMMAND
  });
  const stop = () => void sandbox.close();
  run.signal?.addEventListener('abort', stop);
  let end: SandboxEnd;
  let ran;
  try {
    ran = await runCells(sandbox, run);
  } finally {
    end = await sandbox.close();
    run.signal?.removeEventListener('abort', stop);
  }
  const failure = describeFailure(ran, end);
  const cells = run.sources.map((source, index) => ({
    cell: index + 1,
    source,
    outputs: ran[index]?.result.outputs ?? [],
    status: STATUS[ran[index]?.result.status ?? 'ok']
  }));
  return {
    cells: cells.map((cell, index) => (index < ran.length ? cell : { ...cell, status: 'not-run' as const })),
    ...(failure === undefined ? {} : { failure })
  };
}
