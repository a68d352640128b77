import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { Type, type Static } from 'typebox';
import { StandInPrivacy, type TableSchema } from '@clean-room/protocol/assets';
import { checkSchema, Closed, Count } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { jailFailure, startJailed } from '../engine/jail.js';
import type { PythonInstallation } from './python.js';

const run = promisify(execFile);

/** The settings of a differentially private stand-in. */
export interface SynthesisRequest {
  readonly schema: TableSchema;
  /** Decimal text. */
  readonly epsilon: string;
  readonly delta: string;
  /** The column that identifies persons, if persons are protected and not rows, and the rows of one person that are used. */
  readonly person?: { readonly column: string; readonly rows: number };
  readonly target?: string;
  /** The number of rows that the provider declares as public. Without it, the number is measured with noise. */
  readonly rows?: number;
  /** The number of rows of the stand-in; by default the number of rows of the data, as far as it is known. */
  readonly outputRows?: number;
}

const { mechanism, modelled, expectedError } = StandInPrivacy.properties;
const Answer = Type.Object({
  epsilon: Type.String(),
  delta: Type.String(),
  rho: Type.Number(),
  spent: Closed({ rho: Type.Number(), delta: Type.Number() }),
  mechanism,
  target: Type.Union([Type.String(), Type.Null()]),
  modelled,
  expectedError,
  rows: Closed({ about: Count, source: Type.Union([Type.Literal('declared'), Type.Literal('noisy')]) }),
  outputRows: Count
});
type Answer = Static<typeof Answer>;

const Failure = Closed({
  error: Closed({
    stage: Type.String({ maxLength: 40 }),
    class: Type.String({ maxLength: 100 }),
    reason: Type.Optional(Type.String({ maxLength: 500 })),
    column: Type.Optional(Type.String({ maxLength: 128 }))
  })
});

/** A stand-in that is being made. */
export interface RunningSynthesis {
  /** The rows as CSV with a header. They count only when `answer` is resolved. */
  readonly rows: AsyncIterable<Uint8Array>;
  /** The amount that was spent, when the process has ended successfully. */
  readonly answer: Promise<Answer>;
}

function requestLine(request: SynthesisRequest, output: string): string {
  const { schema, epsilon, delta, person, target, rows, outputRows } = request;
  return `${JSON.stringify({
    columns: schema.columns.map(column => ({ column })),
    unit:
      person === undefined
        ? { kind: 'row' }
        : { kind: 'person', column: person.column, rowsPerPerson: person.rows },
    ...(target === undefined ? {} : { target }),
    epsilon,
    delta,
    rows: rows === undefined ? { source: 'noisy' } : { source: 'declared', count: rows },
    output: { path: output, ...(outputRows === undefined ? {} : { rows: outputRows }) }
  })}\n`;
}

function jailArguments(
  { executable, folders, paths, package: code }: PythonInstallation,
  pipes: string
): string[] {
  return [
    ...folders.flatMap(folder => ['--ro-bind-try', folder, folder]),
    ...['--ro-bind', code, '/program/clean_room_synthesis', '--bind', pipes, '/pipes'],
    ...['--setenv', 'PYTHONPATH', ['/program', ...paths].join(':')],
    ...['--setenv', 'PYTHONDONTWRITEBYTECODE', '1', '--setenv', 'OMP_NUM_THREADS', '2'],
    ...['--chdir', '/program', executable, '-s', '-m', 'clean_room_synthesis']
  ];
}

/** Returns the answer, or throws the error that the process reports. It has no words of the data: only stage and class. */
function answerOf(output: string, errors: string): Answer {
  let value: unknown;
  try {
    value = JSON.parse(output);
  } catch {
    if (errors.includes('bwrap:')) throw jailFailure(errors.slice(errors.indexOf('bwrap:')));
    throw new CleanRoomError(
      'internal',
      'The process that makes the stand-in ended unexpectedly. Nothing was published.',
      {
        remedy: 'The reserved privacy counts as spent. Give the process more memory, then try again.'
      }
    );
  }
  if (typeof value === 'object' && value !== null && 'error' in value) {
    const { error } = checkSchema(Failure, value, 'answer of the process that makes stand-ins');
    const column = error.column === undefined ? '' : ` (column "${error.column}")`;
    throw new CleanRoomError(
      'malformed',
      `The stand-in could not be made${column}: ${error.reason ?? `${error.class} at stage "${error.stage}"`} Nothing was published.`,
      { remedy: 'Change what the message names, or publish a random stand-in.' }
    );
  }
  return checkSchema(Answer, value, 'answer of the process that makes stand-ins');
}

/**
 * Makes a differentially private stand-in in a jailed process of its own.
 *
 * @param table - the table as CSV: a header, missing values as empty fields, texts quoted. It must conform to the schema.
 * @throws CleanRoomError `sandbox-unsafe` without a jail; `malformed` from `answer` for a request that cannot be met
 */
export async function synthesize(
  python: PythonInstallation,
  request: SynthesisRequest,
  table: AsyncIterable<Uint8Array>
): Promise<RunningSynthesis> {
  const pipes = await mkdtemp(path.join(tmpdir(), 'clean-room-pipes-'));
  const fifo = path.join(pipes, 'out');
  const remove = (): Promise<void> => rm(pipes, { recursive: true, force: true });
  let child: ChildProcess;
  try {
    await run('mkfifo', ['-m', '600', fifo]);
    child = await startJailed(jailArguments(python, pipes));
  } catch (error) {
    await remove();
    throw error;
  }
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error('The process has no pipes.');
  // Opening a pipe waits for its writer, which may never come. A process can be ended then; a thread of this one cannot.
  const reader = spawn('cat', [fifo], { stdio: ['ignore', 'pipe', 'ignore'] });
  async function* input(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(requestLine(request, '/pipes/out'));
    yield* table;
  }
  // A process that refuses the request does not read the table. Its answer tells why; an error of the table is told by its reader.
  const feeding = pipeline(Readable.from(input()), stdin);
  feeding.catch(() => child.kill('SIGKILL'));
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()));
  const answer = (async (): Promise<Answer> => {
    try {
      const [output, errors] = await Promise.all([text(stdout), text(stderr), ended]);
      const found = answerOf(output, errors);
      await feeding;
      return found;
    } catch (error) {
      reader.kill('SIGKILL');
      throw error;
    } finally {
      await remove();
    }
  })();
  answer.catch(() => undefined);
  return { rows: reader.stdout, answer };
}
