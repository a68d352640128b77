import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { CleanRoomError } from '@clean-room/protocol/errors';

const LIBRARIES = ['usr/lib/x86_64-linux-gnu', 'lib/x86_64-linux-gnu'];

/**
 * Runs the image's own Python from the unpacked jail with the image's own loader and C library: no chroot, no right that
 * an ordinary user lacks, and nothing of this machine's Python or environment.
 * @param jail the folder of the unpacked jail
 * @param extraPath folders for Python's module search
 * @returns what it printed
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
    child.on('close', (code, signal) => done(code ?? signal ?? 'unknown'));
  });
  if (status === 0) return Buffer.concat(output).toString();
  throw new CleanRoomError('internal', `The image's Python ended with ${status} while the image was built.`, {
    cause: new Error(Buffer.concat(errors).toString().slice(-4000))
  });
}

export interface JailPythonOptions {
  readonly input?: string;
  readonly extraPath?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}
