import { Check } from 'typebox/value';
import { CleanRoomError, type ErrorCode } from '@clean-room/protocol/errors';
import { Problem } from './problem.js';

const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  413: 'too-large',
  429: 'rate-limited'
};

/** The failure that a server told, as the error it was. `details.reference` finds it in the server's log. */
export async function errorFromResponse(response: Response): Promise<CleanRoomError> {
  const text = await response.text();
  let problem: unknown;
  try {
    problem = JSON.parse(text);
  } catch {
    problem = undefined; // not ours: a proxy's page, most likely
  }
  if (Check(Problem, problem)) {
    return new CleanRoomError(problem.code, problem.message, {
      ...(problem.remedy === undefined ? {} : { remedy: problem.remedy }),
      details: { ...problem.details, reference: problem.reference }
    });
  }
  return new CleanRoomError(
    CODE_OF_STATUS[response.status] ?? 'unavailable',
    `The server, or something before it, answered ${response.status} without a reason.`,
    { remedy: 'Check the address of the server, and try again.' }
  );
}

export function unreachable(base: string, cause: unknown): CleanRoomError {
  return new CleanRoomError('unavailable', `The server at ${base} can not be reached.`, {
    remedy: 'Check that it runs and that its address is right, then try again.',
    cause
  });
}
