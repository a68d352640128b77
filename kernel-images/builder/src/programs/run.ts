import { execFile, type ExecFileOptions } from 'node:child_process';

/** Thrown when a program of this machine fails or is not installed. */
export class ProgramFailure extends Error {
  override readonly name = 'ProgramFailure';

  constructor(
    readonly program: string,
    readonly reason: 'not-installed' | 'failed',
    /** Its error output. */
    readonly errorOutput: string,
    cause: unknown
  ) {
    super(reason === 'failed' ? `${program} failed: ${errorOutput}` : `${program} is not installed`, {
      cause
    });
  }
}

/**
 * Runs a program to its end, without a shell.
 *
 * @returns its output
 * @throws ProgramFailure
 */
export function runProgram(
  program: string,
  arguments_: readonly string[],
  options: Pick<ExecFileOptions, 'cwd' | 'env'> = {}
): Promise<string> {
  return new Promise((done, fail) => {
    execFile(program, arguments_, { ...options, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (error === null) done(stdout);
      else
        fail(
          new ProgramFailure(
            program,
            error.code === 'ENOENT' ? 'not-installed' : 'failed',
            stderr.trim(),
            error
          )
        );
    });
  });
}
