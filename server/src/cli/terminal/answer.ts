import { isCleanRoomError, type CleanRoomError } from '@clean-room/protocol/errors';
import { EXIT, exitCodeOf, type ExitCode } from './exit-codes.js';
import type { Terminal } from './terminal.js';

/** What a command has to say: `value` to programs (`--json`), `lines` to people. */
export interface CommandResult {
  readonly value: unknown;
  readonly lines: readonly string[];
  /** {@link EXIT}.ok unless told. */
  readonly exitCode?: ExitCode;
}

export function printResult(terminal: Terminal, answer: CommandResult, json: boolean): ExitCode {
  if (json) terminal.print(JSON.stringify(answer.value, undefined, 2));
  else answer.lines.forEach(line => terminal.print(line));
  return answer.exitCode ?? EXIT.ok;
}

/** What another fault of the program says of itself is for its authors, so it is shown only to those who ask. */
function inWords(error: unknown): Pick<CleanRoomError, 'code' | 'message' | 'remedy'> {
  if (isCleanRoomError(error)) return error;
  return {
    code: 'internal',
    message: 'The command stopped at a fault of its own; what it had not yet said it did is not done.',
    remedy: 'Run it once more with CLEAN_ROOM_DEBUG=1, and report what it then prints.'
  };
}

/** A failure as sentences: what happened, what to do. With `--json` on standard output, where programs look. */
export function printFailure(terminal: Terminal, error: unknown, json: boolean): ExitCode {
  const { code, message, remedy } = inWords(error);
  const exitCode = exitCodeOf(code);
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
