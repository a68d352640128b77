import { ServerConnection } from '@jupyterlab/services';

/** A failure as the coordinator, the relay or the `clean-room` command describes it. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';

  constructor(
    /** One of the protocol's error codes. */
    readonly code: string,
    message: string,
    /** The steps that the person can take now. */
    readonly remedy?: string,
    /** A reference with which the failure can be found in a log. */
    readonly reference?: string
  ) {
    super(message);
  }
}

interface ProblemBody {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly remedy?: unknown;
  readonly reference?: unknown;
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** Reads a failed response. The text of an unexpected response, such as the error page of a proxy, is never shown. */
export async function readProblem(response: Response): Promise<ProblemError> {
  let body: ProblemBody = {};
  try {
    body = (await response.json()) as ProblemBody;
  } catch {
    // The response is not JSON. The generic error below is returned.
  }
  const message = text(body.message);
  const code = text(body.code);
  if (code !== undefined && message !== undefined) {
    return new ProblemError(code, message, text(body.remedy), text(body.reference));
  }
  if (response.status === 404) return missingServerExtension();
  return new ProblemError(
    'unavailable',
    'The request did not reach the clean room. Nothing was changed.',
    'Reload the page. If this happens again, ask the administrator of this Jupyter server.',
    `HTTP ${response.status}`
  );
}

function missingServerExtension(): ProblemError {
  return new ProblemError(
    'unavailable',
    'The clean room extension of this Jupyter server is not installed or is turned off.',
    'Install jupyterlab-clean-room on the Jupyter server, and restart the server.'
  );
}

function unreachable(): ProblemError {
  return new ProblemError(
    'unavailable',
    'The Jupyter server cannot be reached. Your runs continue without it.',
    'Check your connection. This page tries again automatically.'
  );
}

/** Returns whether an error is a CleanRoomError, by its name: a page can load the class more than once. */
export function looksLikeCleanRoomError(
  error: unknown
): error is Error & { code: string; remedy?: string; details?: Record<string, unknown> } {
  return error instanceof Error && error.name === 'CleanRoomError' && 'code' in error;
}

/** Converts any thrown value to a ProblemError. */
export function asProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof ServerConnection.NetworkError || error instanceof TypeError) return unreachable();
  if (looksLikeCleanRoomError(error)) {
    if (error.cause instanceof ServerConnection.NetworkError) return unreachable();
    return new ProblemError(error.code, error.message, error.remedy, text(error.details?.['reference']));
  }
  return new ProblemError(
    'internal',
    'This page could not finish the operation.',
    'Reload the page, check whether the operation took effect, and try again.',
    String(error)
  );
}
