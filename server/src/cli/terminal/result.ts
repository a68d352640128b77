import { CleanRoomError, isCleanRoomError } from '@clean-room/protocol/errors';
import { EXIT, exitCodeOf, startExitCodeOf, type ExitCode } from './exit-codes.js';
import type { Terminal } from './terminal.js';

/** The result of a command: `value` for programs (`--json`), `lines` for people. */
export interface CommandResult {
  readonly value: unknown;
  readonly lines: readonly string[];
  /** {@link EXIT}.ok by default. */
  readonly exitCode?: ExitCode;
}

/** Prints a result and returns the exit code. */
export function printResult(terminal: Terminal, result: CommandResult, json: boolean): ExitCode {
  if (json) terminal.print(JSON.stringify(result.value, undefined, 2));
  else result.lines.forEach(line => terminal.print(line));
  return result.exitCode ?? EXIT.ok;
}

/** Returns the message for any error. The text of an unexpected error is for developers and is shown only on request. */
function describe(error: unknown): Pick<CleanRoomError, 'code' | 'message' | 'remedy'> {
  if (isCleanRoomError(error)) return error;
  return {
    code: 'internal',
    message: 'An unexpected error stopped the command. Steps that it did not report as done were not done.',
    remedy: 'Run the command again with CLEAN_ROOM_DEBUG=1, and report what it prints.'
  };
}

/** Thrown when a server could not start. It has exit codes of its own, so that a service manager knows whether to try again. */
export class StartFailure extends CleanRoomError {
  constructor(cause: CleanRoomError) {
    const { code, message, remedy } = cause;
    super(code, message, { cause, ...(remedy === undefined ? {} : { remedy }) });
  }
}

/** Prints what happened and what to do, as JSON on standard output with `--json`, and returns the exit code. */
export function printFailure(terminal: Terminal, error: unknown, json: boolean): ExitCode {
  const { code, message, remedy } = describe(error);
  const exitCode = error instanceof StartFailure ? startExitCodeOf(code) : exitCodeOf(code);
  if (terminal.env['CLEAN_ROOM_DEBUG'] === '1' && error instanceof Error) terminal.remark(error.stack ?? '');
  if (json)
    terminal.print(
      JSON.stringify({ code, message, ...(remedy === undefined ? {} : { remedy }) }, undefined, 2)
    );
  else {
    terminal.remark(message);
    if (remedy !== undefined) terminal.remark(remedy);
  }
  return exitCode;
}
