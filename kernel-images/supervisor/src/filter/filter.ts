import type { RawOutput } from '@clean-room/sandbox';
import { providerOf } from '@clean-room/protocol/assets';
import type { OutputTerms } from '@clean-room/protocol/policies';
import { Caps } from './caps.js';
import { draftOutput, type OutputDraft } from './draft.js';
import type { DecodeImage } from './images.js';
import { placeholder, type VerdictMark, type NotebookOutput } from './output.js';
import type { Dataset } from './rows/dataset.js';
import { recogniseRows, type Recognised } from './rows/recognise.js';

/** A code cell as it ran. */
export interface RanCell {
  /** Position among the code cells, from 1. */
  readonly cell: number;
  /** The approved source. */
  readonly source: string;
  readonly outputs: readonly RawOutput[];
}

export interface FilterRules {
  /** The strictest of all providers' terms. */
  readonly terms: OutputTerms;
  /** Every dataset that the run was given. */
  readonly datasets: readonly Dataset[];
  /** Parties of which a person reviews the outputs. */
  readonly reviewing: ReadonlySet<string>;
  readonly decode: DecodeImage;
}

export interface FilteredOutput {
  readonly mark: VerdictMark;
  /** What stands in the notebook: the output as it may leave, or a sentence in its place. */
  readonly output: NotebookOutput;
  /** What is held, for the one party whose data it matched. */
  readonly held?: { readonly party: string; readonly output: NotebookOutput };
}

export interface FilteredCell {
  readonly cell: number;
  readonly outputs: readonly FilteredOutput[];
}

async function draftCell(ran: RanCell, rules: FilterRules, caps: Caps): Promise<OutputDraft[]> {
  const allowed = new Set(rules.terms.mimeTypes);
  const drafts: OutputDraft[] = [];
  for (const raw of ran.outputs) {
    if (caps.isFull) {
      // One sentence for all that follow: their number would tell something.
      drafts.push({ output: undefined, lines: [], reasons: ['too-many'] });
      break;
    }
    const draft = await draftOutput(raw, ran.cell, ran.source, { allowed, decode: rules.decode });
    const refused = draft.output === undefined ? undefined : caps.take(draft.output);
    drafts.push(refused === undefined ? draft : { output: undefined, lines: [], reasons: [refused] });
  }
  return drafts;
}

function suppressed(...reasons: VerdictMark['reasons']): FilteredOutput {
  const mark: VerdictMark = { verdict: 'suppressed', reasons };
  return { mark, output: placeholder(mark) };
}

/** Rows of one party whose reviewer will look at the run are held for it; of two, nobody may see the other's. */
function judgeRows(
  output: NotebookOutput,
  shown: ReadonlySet<string>,
  reviewing: ReadonlySet<string>
): FilteredOutput {
  const [party, ...others] = new Set([...shown].map(providerOf));
  if (party === undefined || others.length > 0 || !reviewing.has(party)) return suppressed('rows-of-data');
  const mark: VerdictMark = { verdict: 'held', reasons: ['rows-of-data'] };
  return { mark, output: placeholder(mark), held: { party, output } };
}

function judge(
  draft: OutputDraft,
  id: number,
  recognised: Recognised,
  reviewing: ReadonlySet<string>
): FilteredOutput {
  const { output, reasons } = draft;
  if (output === undefined) return suppressed(...reasons);
  const shown = recognised.shown.get(id);
  if (shown !== undefined) return judgeRows(output, shown, reviewing);
  if (recognised.unsure.has(id)) return suppressed('not-plain');
  return { mark: { verdict: reasons.length === 0 ? 'pass' : 'transformed', reasons }, output };
}

/**
 * The verdict on every output of a run, and what leaves. Every output is made anew from what is understood of it; then
 * all that is left of all cells is compared with all the data that the run was given.
 */
export async function filterRun(cells: readonly RanCell[], rules: FilterRules): Promise<FilteredCell[]> {
  const caps = new Caps(rules.terms);
  const drafts: {
    readonly cell: number;
    readonly drafts: readonly (OutputDraft & { readonly id: number })[];
  }[] = [];
  let id = 0;
  for (const ran of cells) {
    const ofCell = await draftCell(ran, rules, caps);
    drafts.push({ cell: ran.cell, drafts: ofCell.map(draft => ({ ...draft, id: id++ })) });
  }
  const recognised = await recogniseRows(
    drafts.map(({ drafts }) => drafts.map(({ id, lines }) => ({ output: id, lines }))),
    rules.datasets,
    rules.terms.valuesPerRow
  );
  return drafts.map(({ cell, drafts }) => ({
    cell,
    outputs: drafts.map(draft => judge(draft, draft.id, recognised, rules.reviewing))
  }));
}
