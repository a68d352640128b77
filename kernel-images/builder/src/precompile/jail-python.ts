import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { CleanRoomError } from '@clean-room/protocol/errors';

const LIBRARIES = ['usr/lib/x86_64-linux-gnu', 'lib/x86_64-linux-gnu'];

/** Options of `runJailPython`. */
export interface JailPythonOptions {
  /** Standard input. */
  readonly input?: string;
  /** Additional folders for Python's module search. */
  readonly extraPath?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * Runs the image's own Python from the unpacked jail, with the image's own loader and C library. This needs neither chroot nor
 * privileges, and uses nothing of this machine's Python or environment.
 *
 * @param jail - the folder of the unpacked jail
 * @param version - the version of Python, such as `3.11`
 * @returns its output
 * @throws CleanRoomError `internal` if Python fails
 */
export async function runJailPython(
  jail: string,
  version: string,
  arguments_: readonly string[],
  { input = '', extraPath = [], environment = {} }: JailPythonOptions = {}
): Promise<string> {
  const loader = join(jail, 'usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2');
  const libraries = LIBRARIES.map(folder => join(jail, folder)).join(':');
  const python = join(jail, `usr/bin/python${version}`);
  const child = spawn(
    loader,
    ['--inhibit-cache', '--library-path', libraries, python, '-s', '-S', '-B', '-P', ...arguments_],
    {
      env: { PYTHONHASHSEED: '0', LC_ALL: 'C.UTF-8', PYTHONPATH: extraPath.join(':'), ...environment },
      cwd: jail
    }
  );
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const status = await new Promise<number | string>((done, fail) => {
    child.on('error', fail);
    child.on('close', (code, signal) => {
      done(code ?? signal ?? 'unknown');
    });
  });
  if (status === 0) return Buffer.concat(output).toString();
  throw new CleanRoomError(
    'internal',
    `The image's Python failed with status ${String(status)} while the image was built.`,
    {
      cause: new Error(Buffer.concat(errors).toString().slice(-4000))
    }
  );
}
