import type { JsonValue } from '@clean-room/sandbox';
import type { ReasonClass, Verdict } from '@clean-room/protocol/runs';

/** What the filter says of an output, as the notebook's metadata has it under `clean-room`. */
export interface VerdictMark {
  readonly verdict: Verdict;
  readonly reasons: readonly ReasonClass[];
}

export interface OutputMetadata {
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
  'type-not-allowed': 'its type may not leave',
  'too-large': 'it is too large',
  'too-many': 'the run has too many outputs',
  'rows-of-data': 'it shows rows of a dataset',
  'not-plain': 'the filter can not be sure of what is in it',
  'error-reduced': 'it is an error',
  're-encoded': 'it was drawn anew',
  cleaned: 'parts of it were removed'
};

/** What stands in an output's place when it does not leave. */
export function placeholder(mark: VerdictMark): NotebookOutput {
  const why = mark.reasons.map(reason => SENTENCES[reason]).join('; ');
  const word = mark.verdict === 'held' ? 'held for review' : 'suppressed';
  return {
    output_type: 'display_data',
    data: { 'text/plain': `[Output ${word}: ${why}.]` },
    metadata: { 'clean-room': mark }
  };
}

/** Bytes of an output as they would be sealed. */
export function sizeOf(output: NotebookOutput): number {
  return Buffer.byteLength(JSON.stringify(output));
}
