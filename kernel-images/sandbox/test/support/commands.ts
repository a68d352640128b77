import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Runs a program of this machine and returns its standard output.
 *
 * @param program - name or path of the program
 * @param parameters - its command-line arguments
 * @throws Error when the program is not installed or fails, with the end of its standard error
 */
export async function command(
  program: string,
  parameters: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}
): Promise<string> {
  try {
    const { stdout } = await run(program, [...parameters], { ...options, maxBuffer: 1 << 26 });
    return stdout;
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    const message = missing
      ? `${program} is not installed, but these tests need it.`
      : `${program} ${parameters.join(' ')} failed.`;
    const stderr =
      cause instanceof Error && 'stderr' in cause ? `\n${String(cause.stderr).slice(-2000)}` : '';
    throw new Error(message + stderr, { cause });
  }
}
