import { Type, type Static } from 'typebox';
import { Check } from 'typebox/value';
import { CleanRoomError, ERROR_CODES, type ErrorCode } from '@clean-room/protocol/errors';

/** The body of every response that reports an error. */
export const Problem = Type.Object(
  {
    code: Type.Unsafe<ErrorCode>({ type: 'string', enum: [...ERROR_CODES] }),
    message: Type.String(),
    /** One sentence that says what the person can do now. */
    remedy: Type.Optional(Type.String()),
    /** Identifies this error in the server's log. */
    reference: Type.String(),
    details: Type.Optional(
      Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]))
    )
  },
  { additionalProperties: false }
);
export type Problem = Static<typeof Problem>;

const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  413: 'too-large',
  429: 'rate-limited'
};

/**
 * Returns the error that a response reports. `details.reference` identifies it in the server's log. A response that is not a
 * {@link Problem} most likely comes from a proxy; its error is derived from the status.
 */
export async function errorFromResponse(response: Response): Promise<CleanRoomError> {
  const text = await response.text();
  let problem: unknown;
  try {
    problem = JSON.parse(text);
  } catch {
    problem = undefined;
  }
  if (Check(Problem, problem)) {
    return new CleanRoomError(problem.code, problem.message, {
      ...(problem.remedy === undefined ? {} : { remedy: problem.remedy }),
      details: { ...problem.details, reference: problem.reference }
    });
  }
  return new CleanRoomError(
    CODE_OF_STATUS[response.status] ?? 'unavailable',
    `The server, or a proxy in front of it, answered with status ${response.status} and no explanation.`,
    { remedy: 'Check the address of the server and try again.' }
  );
}

/** Returns the error for a server that cannot be reached. */
export function unreachableError(base: string, cause: unknown): CleanRoomError {
  return new CleanRoomError('unavailable', `The server at ${base} cannot be reached.`, {
    remedy: 'Check that the server is running and that its address is correct, then try again.',
    cause
  });
}
