/**
 * A failure that the child process reports to its parent. The child has no other way to say what is wrong with a file, so the
 * text is shown to the provider; it never leaves the provider's machine.
 */
export class SourceFailure extends Error {
  override readonly name = 'SourceFailure';
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}
