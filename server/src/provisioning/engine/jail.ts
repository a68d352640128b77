import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CleanRoomError } from '@clean-room/protocol/errors';

/** The compiled code of this folder's parent. Tests run the sources, but the jail needs the compiled program. */
const CODE = fileURLToPath(new URL('../../../lib/provisioning/', import.meta.url));
const PACKAGE = fileURLToPath(new URL('../../../package.json', import.meta.url));
const PROGRAM = 'engine/child/main.js';
const SYSTEM_FOLDERS = ['/lib', '/lib64', '/usr/lib', '/usr/lib64'];

/** The parts of the machine that the jail shows. Nothing else exists there: no keys, no network, no other files. */
export interface JailOptions {
  /** The files that the program may read, as `/input/0`, `/input/1` and so on. */
  readonly inputs: readonly string[];
  /** A folder with the named pipes `in` and `out`. */
  readonly pipes: string;
  /** Another program than the reader, for tests of the jail. */
  readonly program?: string;
}

function noJail(reason: string, cause?: unknown): CleanRoomError {
  return new CleanRoomError(
    'sandbox-unsafe',
    `Tables are read only in a jail, and ${reason}. Nothing was read.`,
    {
      remedy: 'Install bubblewrap (Debian, Ubuntu: "apt-get install bubblewrap"), and allow user namespaces.',
      cause
    }
  );
}

/** Returns options that show a system folder. On most systems, `/lib` is a link into `/usr`. */
function systemOptions(folder: string): string[] {
  if (!existsSync(folder)) return [];
  if (lstatSync(folder).isSymbolicLink()) return ['--symlink', readlinkSync(folder), folder];
  return ['--ro-bind', folder, folder];
}

/** Finds DuckDB's packages, which may be linked from another folder. */
function databasePackages(): string[] {
  try {
    const api = createRequire(import.meta.url).resolve('@duckdb/node-api/package.json');
    const bindings = createRequire(realpathSync(api)).resolve('@duckdb/node-bindings/package.json');
    const native = createRequire(realpathSync(bindings)).resolve(
      `@duckdb/node-bindings-${process.platform}-${process.arch}/package.json`
    );
    return [api, bindings, native].map(file => path.dirname(realpathSync(file)));
  } catch (cause) {
    throw new CleanRoomError('unavailable', 'The reader of tables is not part of this installation.', {
      remedy: 'Run the clean-room command of the server package.',
      cause
    });
  }
}

function bubblewrapArguments({ inputs, pipes, program }: JailOptions): string[] {
  const packages = databasePackages().flatMap(folder => [
    '--ro-bind',
    folder,
    `/program/node_modules/@duckdb/${path.basename(folder)}`
  ]);
  return [
    ...['--ro-bind', realpathSync(process.execPath), '/program/node'],
    ...packages,
    ...['--ro-bind', CODE, '/program/provisioning'],
    // It says that the compiled files are ECMAScript modules.
    ...['--ro-bind', PACKAGE, '/program/package.json'],
    ...(program === undefined ? [] : ['--ro-bind', program, '/program/test.mjs']),
    ...inputs.flatMap((file, index) => ['--ro-bind', file, `/input/${index}`]),
    ...['--bind', pipes, '/pipes', '--chdir', '/program'],
    ...['/program/node', '--disable-warning=ExperimentalWarning'],
    program === undefined ? `/program/provisioning/${PROGRAM}` : '/program/test.mjs'
  ];
}

/** Options of every jail: no network, no capabilities, no environment, and of the machine only its system libraries. */
const EVERY_JAIL = [
  ...['--unshare-all', '--die-with-parent', '--new-session', '--as-pid-1', '--cap-drop', 'ALL', '--clearenv'],
  ...['--json-status-fd', '4']
];

/**
 * Starts a program in a jail: no network, no environment, no capabilities, and no files but the system's libraries and those
 * that the arguments show. It ends with this process.
 *
 * @param args - further options of bubblewrap, then the program and its arguments
 * @returns the process, with pipes for input, output, errors, messages (descriptor 3) and bubblewrap's status (descriptor 4)
 * @throws CleanRoomError `sandbox-unsafe` when bubblewrap is not installed
 */
export async function startJailed(args: readonly string[]): Promise<ChildProcess> {
  const system = [...SYSTEM_FOLDERS.flatMap(systemOptions), '--dev', '/dev'];
  const child = spawn('bwrap', [...EVERY_JAIL, ...system, ...args], {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] }
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', () => resolve());
    child.once('error', cause => reject(noJail('the program "bwrap" is not installed', cause)));
  });
  return child;
}

/** Starts the reader of tables in a jail of its own. */
export function startInJail(options: JailOptions): Promise<ChildProcess> {
  return startJailed(bubblewrapArguments(options));
}

/** Returns the error for a program that bubblewrap did not start. */
export function jailFailure(reason: string): CleanRoomError {
  return noJail(`bubblewrap could not build it (${reason.trim().slice(0, 200)})`);
}
