import { CleanRoomError } from '@clean-room/protocol/errors';
import { CONSOLE_NOTICE, type MachineConsole } from '@clean-room/api/coordinator';
import type { CoordinatorContext } from '../context.js';
import { noRun } from './end.js';

/** The part of a serial console that is shown, in characters. */
const CONSOLE_TAIL = 64 * 1024;
/** The longest part of a log entry that is shown, in characters. */
const LONGEST_MESSAGE = 4096;

/** Replaces control characters, with which a machine could change what a terminal shows. */
const plain = (text: string): string =>
  text.replaceAll('\r\n', '\n').replaceAll(/(?![\n\t])[\p{Cc}\p{Cf}]/gu, '�');

/**
 * Returns what an attempt's machine wrote: the end of its serial console, and what its launcher logged. Only for operators.
 *
 * @param run - the id of a run
 * @param number - the number of the attempt, from 1; the newest one by default
 * @throws CleanRoomError `not-found` for a run or attempt that does not exist, and when the backend keeps no such output
 */
export async function consoleOf(
  { db, services }: CoordinatorContext,
  run: string,
  number: number | undefined
): Promise<MachineConsole> {
  const attempts = await db.selectFrom('attempt').select('id').where('run', '=', run).orderBy('id').execute();
  if (attempts.length === 0) throw noRun();
  const chosen = number ?? attempts.length;
  const attempt = attempts[chosen - 1]?.id;
  if (attempt === undefined) {
    throw new CleanRoomError('not-found', `The run has no attempt ${chosen}.`, {
      remedy: `Choose an attempt from 1 to ${attempts.length}.`
    });
  }
  const { backend } = services;
  if (backend.console === undefined) {
    throw new CleanRoomError('not-found', 'This backend keeps no output of its machines.');
  }
  const { serial, log } = await backend.console(attempt);
  return {
    notice: CONSOLE_NOTICE,
    attempt: chosen,
    attempts: attempts.length,
    ...(serial === undefined ? {} : { serial: plain(serial).slice(-CONSOLE_TAIL) }),
    log: log.map(({ at, severity, message }) => ({
      at: plain(at),
      severity: plain(severity),
      message: plain(message.slice(0, LONGEST_MESSAGE))
    }))
  };
}
