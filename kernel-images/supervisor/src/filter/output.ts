import type { JsonValue } from '@clean-room/sandbox';
import type { OutputTerms } from '@clean-room/protocol/policies';
import type { ReasonClass, Verdict } from '@clean-room/protocol/runs';

/** The filter's verdict on an output, as the notebook's metadata contains it under `clean-room`. */
export interface VerdictMark {
  readonly verdict: Verdict;
  readonly reasons: readonly ReasonClass[];
}

interface OutputMetadata {
  readonly 'clean-room'?: VerdictMark;
}

/** An output of the filtered notebook, in the form of nbformat 4. */
export type NotebookOutput =
  | { readonly output_type: 'stream'; readonly name: 'stdout' | 'stderr'; readonly text: string }
  | {
      readonly output_type: 'display_data';
      readonly data: Readonly<Record<string, JsonValue>>;
      readonly metadata: OutputMetadata;
    }
  | {
      readonly output_type: 'execute_result';
      readonly data: Readonly<Record<string, JsonValue>>;
      readonly metadata: OutputMetadata;
      readonly execution_count: null;
    }
  | {
      readonly output_type: 'error';
      readonly ename: string;
      readonly evalue: string;
      readonly traceback: readonly string[];
    };

const SENTENCES: Readonly<Record<ReasonClass, string>> = {
  'type-not-allowed': 'its type is not allowed',
  'too-large': 'it is too large',
  'too-many': 'the run has too many outputs',
  'rows-of-data': 'it shows rows of a dataset',
  'not-plain': 'the filter cannot check its content',
  'error-reduced': 'it is an error',
  're-encoded': 'it was encoded again',
  cleaned: 'parts of it were removed'
};

/** Returns the output that replaces a suppressed or held one. */
export function placeholder(mark: VerdictMark): NotebookOutput {
  const why = mark.reasons.map(reason => SENTENCES[reason]).join('; ');
  const word = mark.verdict === 'held' ? 'held for review' : 'suppressed';
  return {
    output_type: 'display_data',
    data: { 'text/plain': `[Output ${word}: ${why}.]` },
    metadata: { 'clean-room': mark }
  };
}

/** Returns the number of bytes that an output takes in the sealed notebook. */
function sizeOf(output: NotebookOutput): number {
  return Buffer.byteLength(JSON.stringify(output));
}

/** Counts a run's outputs against the policies' limits. */
export class OutputLimits {
  readonly #terms: OutputTerms;
  #bytes = 0;
  #outputs = 0;

  constructor(terms: OutputTerms) {
    this.#terms = terms;
  }

  /** Whether the maximum number of outputs is reached, so that no work needs to be spent on another one. */
  get isReached(): boolean {
    return this.#outputs >= this.#terms.outputsPerRun;
  }

  /** Counts an output and returns `undefined`, or returns why it exceeds the limits. */
  add(output: NotebookOutput): ReasonClass | undefined {
    if (this.isReached) return 'too-many';
    const bytes = sizeOf(output);
    if (bytes > this.#terms.bytesPerOutput || this.#bytes + bytes > this.#terms.bytesPerRun)
      return 'too-large';
    this.#bytes += bytes;
    this.#outputs++;
    return undefined;
  }
}
