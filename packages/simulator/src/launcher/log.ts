/** An entry of the launcher's log, which is written to Cloud Logging and to the serial console. Operators read and can forge it. */
export interface LauncherLogEntry {
  readonly severity: 'INFO' | 'WARNING' | 'ERROR';
  readonly message: string;
  readonly attributes: Readonly<Record<string, string | number>>;
}

/** Writes entries of one launcher. */
export class LauncherLog {
  constructor(private readonly write: (entry: LauncherLogEntry) => void) {}

  info(message: string, attributes: LauncherLogEntry['attributes'] = {}): void {
    this.write({ severity: 'INFO', message, attributes });
  }

  error(message: string, attributes: LauncherLogEntry['attributes'] = {}): void {
    this.write({ severity: 'ERROR', message, attributes });
  }
}

const LEVELS: Readonly<Record<LauncherLogEntry['severity'], string>> = {
  INFO: 'INFO',
  WARNING: 'WARN',
  ERROR: 'ERROR'
};

/** Returns the line of an entry on the serial console, in the form of Go's slog. */
export function serialLine({ severity, message, attributes }: LauncherLogEntry, at: Date): string {
  const pairs = [
    ['time', at.toISOString()],
    ['level', LEVELS[severity]],
    ['msg', message],
    ...Object.entries(attributes)
  ] as const;
  return pairs.map(([key, value]) => `${key}=${quoted(String(value))}`).join(' ');
}

/** Quotes a value if it is empty or contains spaces, control characters, `=` or a quote. */
function quoted(value: string): string {
  return /^[^\s="\u0000-\u001f\u007f]+$/.test(value) ? value : JSON.stringify(value);
}
