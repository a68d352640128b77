import type { Run, RunSummary, SubmissionSummary } from '@clean-room/api/coordinator';
import type { RunFailure, RunState } from '@clean-room/protocol/runs';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { SubmissionView } from '../api/types.js';

/** The kind of a status. Each kind has a symbol and a color; color is never the only signal. */
export type Tone = 'waiting' | 'active' | 'good' | 'bad' | 'ended';

/** The status of a submission or a run, in text. */
export interface Status {
  readonly tone: Tone;
  /** The status in a few words. */
  readonly label: string;
  /** A reason or a further fact. */
  readonly detail?: string;
}

/** A submission with its runs. */
export interface Entry {
  readonly submission: SubmissionSummary;
  /** Newest first. */
  readonly runs: readonly RunSummary[];
  /** The complete documents, loaded when a person opens the entry. `run` is the newest one. */
  readonly detail?: { readonly submission: SubmissionView; readonly run?: Run };
}

/** The party that text is written for: it is called "you", the other parties by their titles. */
export interface Viewer {
  readonly party: string | undefined;
  titleOf(party: string): string;
}

const FINAL_STATES: readonly string[] = ['completed', 'failed', 'cancelled'];

/** Returns whether a run has ended. This copies the protocol's rule, because the panel is shown before the protocol is loaded. */
export function hasEnded({ state }: { readonly state: RunState }): boolean {
  return FINAL_STATES.includes(state);
}

/** Joins names to `a`, `a and b` or `a, b and c`. */
export function joinNames(names: readonly string[], trans: TranslationBundle): string {
  if (names.length < 2) return names[0] ?? '';
  return trans.__('%1 and %2', names.slice(0, -1).join(', '), names[names.length - 1]);
}

/** Joins the titles of parties. The viewer's own party comes first and is called "you". */
export function joinParties(parties: readonly string[], viewer: Viewer, trans: TranslationBundle): string {
  const others = parties.filter(party => party !== viewer.party).map(party => viewer.titleOf(party));
  const own = others.length < parties.length ? [trans.__('you')] : [];
  return joinNames([...own, ...others], trans);
}

/** Returns the status of a submission's newest run, or of the submission itself while it has not run. */
export function entryStatus({ submission, runs }: Entry, viewer: Viewer, trans: TranslationBundle): Status {
  const run = runs.find(({ revision }) => revision === submission.revision.number);
  return run === undefined
    ? revisionStatus(submission.revision, viewer, trans)
    : runStatus(run, viewer, trans);
}

/** Returns the status of a revision. */
export function revisionStatus(
  { state, decisions, reason }: Pick<SubmissionSummary['revision'], 'state' | 'decisions' | 'reason'>,
  viewer: Viewer,
  trans: TranslationBundle
): Status {
  const partiesThat = (decision: string): string =>
    joinParties(
      decisions.filter(other => other.state === decision).map(({ provider }) => provider),
      viewer,
      trans
    );
  const detail = reason === undefined ? undefined : `“${reason.message}”`;
  switch (state) {
    case 'draft':
      return { tone: 'waiting', label: trans.__('draft') };
    case 'submitted': {
      const pending = partiesThat('pending');
      return {
        tone: 'waiting',
        label: pending === '' ? trans.__('submitted') : trans.__('waiting for %1', pending)
      };
    }
    case 'approved':
      return { tone: 'active', label: trans.__('approved') };
    case 'changes-requested':
      return {
        tone: 'bad',
        label: trans.__('changes requested by %1', partiesThat('changes-requested')),
        detail
      };
    case 'rejected':
      return {
        tone: 'bad',
        label: trans.__('rejected by %1', partiesThat('rejected') || partiesThat('revoked')),
        detail
      };
    case 'withdrawn':
      return { tone: 'ended', label: trans.__('withdrawn') };
    case 'expired':
      return {
        tone: 'ended',
        label: trans.__('expired'),
        detail: trans.__('Submit the notebook again to ask for a new approval.')
      };
  }
}

/** Returns the status of a run. */
export function runStatus(run: RunSummary, viewer: Viewer, trans: TranslationBundle): Status {
  const label = runStateLabel(run.state, trans);
  const reason = run.reason?.message;
  switch (run.state) {
    case 'queued':
    case 'starting':
      return { tone: 'active', label, detail: reason };
    case 'awaiting-keys': {
      const custodians = joinNames(
        run.waitingFor.map(party => viewer.titleOf(party)),
        trans
      );
      const detail = custodians === '' ? reason : trans.__('%1 must check the machine first', custodians);
      return { tone: 'active', label, detail };
    }
    case 'running':
      return { tone: 'active', label, detail: cellText(run, trans) };
    case 'output-review': {
      const reviewers = joinParties(run.waitingFor, viewer, trans);
      const detail = reviewers === '' ? reason : trans.__('waiting for %1', reviewers);
      return { tone: 'waiting', label, detail };
    }
    case 'completed':
      return {
        tone: run.failure === undefined ? 'good' : 'bad',
        label,
        detail: failureText(run.failure, trans)
      };
    case 'failed':
      return { tone: 'bad', label, detail: reason ?? trans.__('No output left the clean room.') };
    case 'cancelled':
      return { tone: 'ended', label, detail: reason };
  }
}

function cellText({ cell, cells }: RunSummary, trans: TranslationBundle): string | undefined {
  return cell === undefined || cells === undefined ? undefined : trans.__('cell %1 of %2', cell, cells);
}

/** Returns the name of a run's state. Each name is a literal, so that it can be translated. */
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

/** Returns the reason why a notebook did not run to its end, or undefined if it did. */
export function failureText(failure: RunFailure | undefined, trans: TranslationBundle): string | undefined {
  if (failure === undefined) return undefined;
  const cell = failedCell(failure, trans);
  switch (failure.class) {
    case 'notebook-error':
      return trans.__('%1 in %2', failure.exception ?? 'Exception', cell);
    case 'time-limit':
      return trans.__('stopped at the time limit in %1', cell);
    case 'memory-limit':
      return trans.__('out of memory in %1', cell);
    case 'disk-limit':
      return trans.__('out of disk space in %1', cell);
    case 'output-limit':
      return trans.__('more output than allowed in %1', cell);
    case 'process-crash':
      return trans.__('Python ended unexpectedly in %1', cell);
  }
}

function failedCell({ cell, line }: RunFailure, trans: TranslationBundle): string {
  if (cell === undefined) return trans.__('the notebook');
  return line === undefined ? trans.__('cell %1', cell) : trans.__('cell %1, line %2', cell, line);
}
