import { ServerConnection } from '@jupyterlab/services';

/** A failure in the words of whoever refused: coordinator, relay or command. */
export class ProblemError extends Error {
  override readonly name = 'Problem';

  constructor(
    /** One of the protocol's closed set of codes. */
    readonly code: string,
    message: string,
    /** What the person can do now. */
    readonly remedy?: string,
    /** Finds the failure in a log. */
    readonly reference?: string
  ) {
    super(message);
  }
}

interface Wire {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly remedy?: unknown;
  readonly reference?: unknown;
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** Reads a failed answer. One that is not in the expected form (a proxy's page, say) gets plain words, not its own. */
export async function readProblem(response: Response): Promise<ProblemError> {
  let body: Wire = {};
  try {
    body = (await response.json()) as Wire;
  } catch {
    // Not JSON: what stands below says what can be said.
  }
  const message = text(body.message);
  const code = text(body.code);
  if (code !== undefined && message !== undefined) {
    return new ProblemError(code, message, text(body.remedy), text(body.reference));
  }
  if (response.status === 404) return missingServerExtension();
  return new ProblemError(
    'unavailable',
    'Something between this page and the clean room refused the call. Nothing was changed by it.',
    'Reload the page; if it stays, ask whoever runs this Jupyter server.',
    `HTTP ${response.status}`
  );
}

export function missingServerExtension(): ProblemError {
  return new ProblemError(
    'unavailable',
    'The clean room’s part of this Jupyter server is missing or switched off.',
    'Install jupyterlab-clean-room on the Jupyter server and start it again.'
  );
}

function unreachable(): ProblemError {
  return new ProblemError(
    'unavailable',
    'The Jupyter server can’t be reached. Your runs go on without it.',
    'Check your connection; this page tries again by itself.'
  );
}

/** Told by its name: a copy of the class may have come with another part of the page. */
function isCleanRoomError(
  error: unknown
): error is Error & { code: string; remedy?: string; details?: Record<string, unknown> } {
  return error instanceof Error && error.name === 'CleanRoomError' && 'code' in error;
}

/** Any thrown value as a Problem. */
export function asProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof ServerConnection.NetworkError || error instanceof TypeError) return unreachable();
  if (isCleanRoomError(error)) {
    if (error.cause instanceof ServerConnection.NetworkError) return unreachable();
    return new ProblemError(error.code, error.message, error.remedy, text(error.details?.['reference']));
  }
  return new ProblemError(
    'internal',
    'This page could not finish that. Nothing was changed by it.',
    'Reload and try again.',
    String(error)
  );
}
