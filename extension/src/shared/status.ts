import type { TranslationBundle } from '@jupyterlab/translation';
import type { Run, RunSummary } from '../../../packages/api/src/coordinator/runs.js';
import type { SubmissionSummary } from '../../../packages/api/src/coordinator/submissions.js';
import type { RunState } from '../../../packages/protocol/src/runs/states.js';
import type { SubmissionView } from '../api/types.js';
import { failureSentence } from './failure.js';

/** What kind of news a status is; a symbol and a colour go with each, never a colour alone. */
export type Tone = 'waiting' | 'active' | 'good' | 'bad' | 'ended';

export interface Status {
  readonly tone: Tone;
  /** What it is, in a few words. */
  readonly label: string;
  /** Why, or what is known beside. */
  readonly detail?: string;
}

/** What a person did with a notebook, and where that stands. */
export interface Entry {
  readonly submission: SubmissionSummary;
  /** Newest first. */
  readonly runs: readonly RunSummary[];
  /** All there is to know; loaded when somebody looks. */
  readonly detail?: { readonly submission: SubmissionView; readonly run?: Run };
}

/** A party's title by its name. */
export type TitleOf = (party: string) => string;

/** `a`, `a and b`, `a, b and c`. */
export function names(list: readonly string[], trans: TranslationBundle): string {
  if (list.length < 2) return list[0] ?? '';
  return trans.__('%1 and %2', list.slice(0, -1).join(', '), list[list.length - 1]);
}

/** Where a submission and its newest run stand. */
export function entryStatus({ submission, runs }: Entry, titleOf: TitleOf, trans: TranslationBundle): Status {
  const run = runs.find(({ revision }) => revision === submission.revision.number);
  return run === undefined
    ? revisionStatus(submission.revision, titleOf, trans)
    : runStatus(run, titleOf, trans);
}

export function revisionStatus(
  { state, decisions, reason }: Pick<SubmissionSummary['revision'], 'state' | 'decisions' | 'reason'>,
  titleOf: TitleOf,
  trans: TranslationBundle
): Status {
  const those = (wanted: string): string =>
    names(
      decisions.filter(decision => decision.state === wanted).map(({ provider }) => titleOf(provider)),
      trans
    );
  const detail = reason === undefined ? undefined : `“${reason.message}”`;
  switch (state) {
    case 'draft':
      return { tone: 'waiting', label: trans.__('draft') };
    case 'submitted': {
      const open = those('pending');
      return {
        tone: 'waiting',
        label: open === '' ? trans.__('submitted') : trans.__('waiting for %1', open)
      };
    }
    case 'approved':
      return { tone: 'active', label: trans.__('approved') };
    case 'changes-requested':
      return { tone: 'bad', label: trans.__('%1 asks for changes', those('changes-requested')), detail };
    case 'rejected':
      return {
        tone: 'bad',
        label: trans.__('rejected by %1', those('rejected') || those('revoked')),
        detail
      };
    case 'withdrawn':
      return { tone: 'ended', label: trans.__('withdrawn') };
    case 'expired':
      return {
        tone: 'ended',
        label: trans.__('expired'),
        detail: trans.__('Submit the notebook again to ask once more.')
      };
  }
}

export function runStatus(run: RunSummary, titleOf: TitleOf, trans: TranslationBundle): Status {
  const label = runStateLabel(run.state, trans);
  const waiting = names(run.waitingFor.map(titleOf), trans);
  const detail = run.reason?.message;
  switch (run.state) {
    case 'queued':
    case 'starting':
      return { tone: 'active', label, detail };
    case 'awaiting-keys':
      return {
        tone: 'active',
        label,
        detail: waiting === '' ? detail : trans.__('%1 checks the machine', waiting)
      };
    case 'running':
      return { tone: 'active', label, detail: cellSentence(run, trans) };
    case 'output-review':
      return {
        tone: 'waiting',
        label,
        detail: waiting === '' ? detail : trans.__('waiting for %1', waiting)
      };
    case 'completed':
      return {
        tone: run.failure === undefined ? 'good' : 'bad',
        label,
        detail: failureSentence(run.failure, trans)
      };
    case 'failed':
      return { tone: 'bad', label, detail: detail ?? trans.__('Nothing left the clean room.') };
    case 'cancelled':
      return { tone: 'ended', label, detail };
  }
}

function cellSentence({ cell, cells }: RunSummary, trans: TranslationBundle): string | undefined {
  return cell === undefined || cells === undefined ? undefined : trans.__('cell %1 of %2', cell, cells);
}

/** The states of a run in words; one literal each, so that they can be translated. */
export function runStateLabel(state: RunState, trans: TranslationBundle): string {
  switch (state) {
    case 'queued':
      return trans.__('queued');
    case 'starting':
      return trans.__('starting');
    case 'awaiting-keys':
      return trans.__('waiting for keys');
    case 'running':
      return trans.__('running');
    case 'output-review':
      return trans.__('outputs under review');
    case 'completed':
      return trans.__('result ready');
    case 'failed':
      return trans.__('failed');
    case 'cancelled':
      return trans.__('cancelled');
  }
}
