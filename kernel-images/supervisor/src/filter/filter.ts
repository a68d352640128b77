import type { RawOutput } from '@clean-room/sandbox';
import { providerOf } from '@clean-room/protocol/assets';
import type { OutputTerms } from '@clean-room/protocol/policies';
import { draftOutput, suppressedDraft, type OutputDraft } from './draft.js';
import { OutputLimits, placeholder, type VerdictMark, type NotebookOutput } from './output.js';
import type { DecodeImage } from './rich/image.js';
import type { Dataset } from './rows/dataset.js';
import { recogniseRows, type Recognised } from './rows/recognise.js';

/** A code cell with its raw outputs. */
export interface RanCell {
  /** Position among the code cells, from 1. */
  readonly cell: number;
  /** The approved source. */
  readonly source: string;
  readonly outputs: readonly RawOutput[];
}

/** The rules and data that a run's outputs are filtered with. */
export interface FilterRules {
  /** The strictest terms of all providers. */
  readonly terms: OutputTerms;
  /** Every dataset that was opened for the run. */
  readonly datasets: readonly Dataset[];
  /** Parties whose reviewers look at the outputs before they are released. */
  readonly reviewing: ReadonlySet<string>;
  readonly decode: DecodeImage;
}

/** The verdict on an output, and what the filtered notebook shows of it. */
export interface FilteredOutput {
  readonly mark: VerdictMark;
  /** The output as it may leave the TEE, or a placeholder sentence. */
  readonly output: NotebookOutput;
  /** The output that is held for review by the one party whose data it matched. */
  readonly held?: { readonly party: string; readonly output: NotebookOutput };
}

/** The filtered outputs of a code cell. */
export interface FilteredCell {
  /** Position among the code cells, from 1. */
  readonly cell: number;
  readonly outputs: readonly FilteredOutput[];
}

async function draftCell(ran: RanCell, rules: FilterRules, limits: OutputLimits): Promise<OutputDraft[]> {
  const allowed = new Set(rules.terms.mimeTypes);
  const drafts: OutputDraft[] = [];
  for (const raw of ran.outputs) {
    if (limits.isReached) {
      // One placeholder represents all further outputs, because their number would reveal something.
      drafts.push(suppressedDraft('too-many'));
      break;
    }
    const draft = await draftOutput(raw, ran.cell, ran.source, { allowed, decode: rules.decode });
    const refused = draft.output === undefined ? undefined : limits.add(draft.output);
    drafts.push(refused === undefined ? draft : suppressedDraft(refused));
  }
  return drafts;
}

function suppressed(...reasons: VerdictMark['reasons']): FilteredOutput {
  const mark: VerdictMark = { verdict: 'suppressed', reasons };
  return { mark, output: placeholder(mark) };
}

/**
 * Decides about an output that shows rows. It is held when the rows belong to one party that reviews outputs. Rows of two
 * parties are suppressed, because neither may see the data of the other.
 */
function decideRows(
  output: NotebookOutput,
  shown: ReadonlySet<string>,
  reviewing: ReadonlySet<string>
): FilteredOutput {
  const [party, ...others] = new Set([...shown].map(providerOf));
  if (party === undefined || others.length > 0 || !reviewing.has(party)) return suppressed('rows-of-data');
  const mark: VerdictMark = { verdict: 'held', reasons: ['rows-of-data'] };
  return { mark, output: placeholder(mark), held: { party, output } };
}

function decide(
  draft: OutputDraft,
  id: number,
  recognised: Recognised,
  reviewing: ReadonlySet<string>
): FilteredOutput {
  const { output, reasons } = draft;
  if (output === undefined) return suppressed(...reasons);
  const shown = recognised.shown.get(id);
  if (shown !== undefined) return decideRows(output, shown, reviewing);
  if (recognised.undecided.has(id)) return suppressed('not-plain');
  return { mark: { verdict: reasons.length === 0 ? 'pass' : 'transformed', reasons }, output };
}

/**
 * Decides about every output of a run. Each output is first built again from the parts that the filter understands. Then
 * the outputs of all cells together are compared with all datasets of the run.
 */
export async function filterRun(cells: readonly RanCell[], rules: FilterRules): Promise<FilteredCell[]> {
  const limits = new OutputLimits(rules.terms);
  const drafts: {
    readonly cell: number;
    readonly drafts: readonly (OutputDraft & { readonly id: number })[];
  }[] = [];
  let id = 0;
  for (const ran of cells) {
    const ofCell = await draftCell(ran, rules, limits);
    drafts.push({ cell: ran.cell, drafts: ofCell.map(draft => ({ ...draft, id: id++ })) });
  }
  const recognised = await recogniseRows(
    drafts.map(({ drafts }) => drafts.map(({ id, lines }) => ({ output: id, lines }))),
    rules.datasets,
    rules.terms.valuesPerRow
  );
  return drafts.map(({ cell, drafts }) => ({
    cell,
    outputs: drafts.map(draft => decide(draft, draft.id, recognised, rules.reviewing))
  }));
}
