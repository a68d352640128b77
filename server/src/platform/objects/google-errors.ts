/** Returns whether an error of Google's client library reports an HTTP status. */
export function hasStatus(error: unknown, status: number): boolean {
  const { code } = error as { code?: unknown };
  return Number(code) === status;
}
