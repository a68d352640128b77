/** The system's name of what went wrong (`ENOENT`), where it was the system. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Whether a file system call failed because the file is not there. */
export function isMissing(error: unknown): boolean {
  return systemCode(error) === 'ENOENT';
}
