import type { OutputTerms } from '@clean-room/protocol/policies';
import type { ReasonClass } from '@clean-room/protocol/runs';
import { sizeOf, type NotebookOutput } from './output.js';

/** The least of the providers' limits on outputs, counted down over a run. */
export class Caps {
  readonly #terms: OutputTerms;
  #bytes = 0;
  #outputs = 0;

  constructor(terms: OutputTerms) {
    this.#terms = terms;
  }

  /** Whether one more output is too many, told before any work is put into it. */
  get isFull(): boolean {
    return this.#outputs >= this.#terms.outputsPerRun;
  }

  /** Why an output must stay, or nothing; counts it when it may leave. */
  take(output: NotebookOutput): ReasonClass | undefined {
    if (this.isFull) return 'too-many';
    const bytes = sizeOf(output);
    if (bytes > this.#terms.bytesPerOutput || this.#bytes + bytes > this.#terms.bytesPerRun)
      return 'too-large';
    this.#bytes += bytes;
    this.#outputs++;
    return undefined;
  }
}
