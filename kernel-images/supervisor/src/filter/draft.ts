import type { RawOutput } from '@clean-room/sandbox';
import type { ReasonClass } from '@clean-room/protocol/runs';
import { makePlain } from './bundle.js';
import { errorOutput, reduceError } from './errors.js';
import type { NotebookOutput } from './output.js';
import type { DecodeImage } from './rich/image.js';
import { cleanText, isOpaque } from './text/clean.js';

/** An output before it is searched for rows of data. */
export interface OutputDraft {
  /** The output as it would leave the TEE, or `undefined` when it is suppressed. */
  readonly output: NotebookOutput | undefined;
  /** The texts of the output, line by line, for the search for rows. */
  readonly lines: readonly string[];
  /** Why the output was changed or suppressed. */
  readonly reasons: readonly ReasonClass[];
}

/** The rules of a run that a draft needs. */
export interface DraftRules {
  /** MIME types that may leave the TEE. */
  readonly allowed: ReadonlySet<string>;
  readonly decode: DecodeImage;
}

/** Returns the draft of an output that is suppressed. */
export function suppressedDraft(...reasons: readonly ReasonClass[]): OutputDraft {
  return { output: undefined, lines: [], reasons };
}

function draftStream(name: 'stdout' | 'stderr', raw: string, { allowed }: DraftRules): OutputDraft {
  if (!allowed.has('text/plain')) return suppressedDraft('type-not-allowed');
  const text = cleanText(raw);
  if (isOpaque(text)) return suppressedDraft('not-plain');
  return {
    output: { output_type: 'stream', name, text },
    lines: text.split('\n'),
    reasons: text === raw ? [] : ['cleaned']
  };
}

/**
 * Builds a new output from the parts of a raw one that the filter understands. Metadata, execution counts, display ids,
 * tracebacks and error messages are never copied.
 *
 * @param cell - position among the code cells, from 1
 * @param source - the approved source of the cell
 */
export async function draftOutput(
  raw: RawOutput,
  cell: number,
  source: string,
  rules: DraftRules
): Promise<OutputDraft> {
  switch (raw.type) {
    case 'stream':
      return draftStream(raw.name, raw.text, rules);
    case 'error':
      return { output: errorOutput(reduceError(raw, source), cell), lines: [], reasons: ['error-reduced'] };
    case 'display_data':
    case 'execute_result': {
      const { data, lines, reasons } = await makePlain(raw.data, rules.allowed, rules.decode);
      if (Object.keys(data).length === 0)
        return suppressedDraft(...(reasons.length === 0 ? (['not-plain'] as const) : reasons));
      const output: NotebookOutput =
        raw.type === 'display_data'
          ? { output_type: 'display_data', data, metadata: {} }
          : { output_type: 'execute_result', data, metadata: {}, execution_count: null };
      return { output, lines, reasons };
    }
  }
}
