import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Runs a program of this machine; a missing one is an error that says what to install. */
export async function command(
  program: string,
  words: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}
): Promise<string> {
  try {
    const { stdout } = await run(program, [...words], { ...options, maxBuffer: 1 << 26 });
    return stdout;
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    const words_ = missing
      ? `${program} is not installed; these tests need it.`
      : `${program} ${words.join(' ')} failed.`;
    const stderr =
      cause instanceof Error && 'stderr' in cause ? `\n${String(cause.stderr).slice(-2000)}` : '';
    throw new Error(words_ + stderr, { cause });
  }
}
