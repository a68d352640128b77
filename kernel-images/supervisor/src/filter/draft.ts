import type { RawOutput } from '@clean-room/sandbox';
import type { ReasonClass } from '@clean-room/protocol/runs';
import { makePlain } from './bundle.js';
import { reduceError, writeError } from './errors.js';
import type { DecodeImage } from './images.js';
import type { NotebookOutput } from './output.js';
import { cleanText } from './text/clean.js';
import { isOpaque } from './text/opaque.js';

/** An output before rows are looked for: what would leave and why it was changed, or why it does not leave. */
export interface OutputDraft {
  readonly output: NotebookOutput | undefined;
  readonly lines: readonly string[];
  readonly reasons: readonly ReasonClass[];
}

export interface DraftRules {
  /** MIME types that may leave. */
  readonly allowed: ReadonlySet<string>;
  readonly decode: DecodeImage;
}

function refuse(...reasons: readonly ReasonClass[]): OutputDraft {
  return { output: undefined, lines: [], reasons };
}

function draftStream(name: 'stdout' | 'stderr', raw: string, { allowed }: DraftRules): OutputDraft {
  if (!allowed.has('text/plain')) return refuse('type-not-allowed');
  const text = cleanText(raw);
  if (isOpaque(text)) return refuse('not-plain');
  return {
    output: { output_type: 'stream', name, text },
    lines: text.split('\n'),
    reasons: text === raw ? [] : ['cleaned']
  };
}

/**
 * Makes one raw output plain. Metadata, execution counts, display ids, tracebacks and messages never get here or end here.
 * @param cell position among the code cells, from 1
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
      return { output: writeError(reduceError(raw, source), cell), lines: [], reasons: ['error-reduced'] };
    case 'display_data':
    case 'execute_result': {
      const { data, lines, reasons } = await makePlain(raw.data, rules.allowed, rules.decode);
      if (Object.keys(data).length === 0)
        return refuse(...(reasons.length === 0 ? (['not-plain'] as const) : reasons));
      const output: NotebookOutput =
        raw.type === 'display_data'
          ? { output_type: 'display_data', data, metadata: {} }
          : { output_type: 'execute_result', data, metadata: {}, execution_count: null };
      return { output, lines, reasons };
    }
  }
}
