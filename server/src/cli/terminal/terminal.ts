/** The world of the command, so that tests can be one. */
export interface Terminal {
  /** One line to standard output. */
  print(line: string): void;
  /** One line to standard error: progress and remarks, never an answer. */
  remark(line: string): void;
  /** All of standard input. */
  readInput(): Promise<Uint8Array>;
  /** The answer to a question asked of a person; nothing where nobody can be asked. */
  ask(question: string): Promise<string | undefined>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
  now(): Date;
  /** Ends when the person asks the command to stop. */
  readonly stopped: AbortSignal;
}
