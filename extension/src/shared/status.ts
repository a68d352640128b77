import type { TranslationBundle } from '@jupyterlab/translation';
import type { Decision, Run, RunState, SubmissionSummary } from '../api/index.js';
import { failureSentence } from './failure.js';

/** What kind of news a status is; a symbol and a colour go with each, never a colour alone. */
export type Tone = 'waiting' | 'active' | 'good' | 'bad' | 'ended';

export interface Status {
  readonly tone: Tone;
  /** What it is, in a few words. */
  readonly label: string;
  /** Why, or for whom it waits. */
  readonly detail?: string;
}

/** What a person did last with a notebook, and where that stands. */
export interface Entry {
  readonly submission: SubmissionSummary;
  /** Newest first. */
  readonly runs: readonly Run[];
}

export function names(list: readonly string[], trans: TranslationBundle): string {
  if (list.length < 2) return list[0] ?? '';
  return trans.__('%1 and %2', list.slice(0, -1).join(', '), list[list.length - 1]);
}

const titles = (decisions: readonly Decision[], state: Decision['state']): string[] =>
  decisions.filter(decision => decision.state === state).map(({ title }) => title);

/** Where a submission and its newest run stand. */
export function entryStatus({ submission, runs }: Entry, trans: TranslationBundle): Status {
  const [run] = runs;
  if (run !== undefined && (submission.state === 'approved' || run.state === 'released')) return runStatus(run, trans);
  return submissionStatus(submission, trans);
}

export function submissionStatus(submission: Pick<SubmissionSummary, 'state' | 'decisions'>, trans: TranslationBundle): Status {
  const { state, decisions } = submission;
  const said = decisions.find(decision => decision.state === state);
  switch (state) {
    case 'draft':
      return { tone: 'waiting', label: trans.__('draft') };
    case 'submitted': {
      const open = titles(decisions, 'pending');
      return open.length === 0
        ? { tone: 'waiting', label: trans.__('submitted') }
        : { tone: 'waiting', label: trans.__('waiting for %1', names(open, trans)) };
    }
    case 'approved':
      return { tone: 'active', label: trans.__('approved'), detail: trans.__('The run is being prepared.') };
    case 'changes-requested':
      return { tone: 'bad', label: trans.__('%1 asks for changes', said?.title ?? ''), detail: said?.reason };
    case 'rejected':
      return { tone: 'bad', label: trans.__('rejected by %1', said?.title ?? ''), detail: said?.reason };
    case 'withdrawn':
      return { tone: 'ended', label: trans.__('withdrawn') };
    case 'expired':
      return { tone: 'ended', label: trans.__('expired'), detail: trans.__('Submit the notebook again to ask once more.') };
  }
}

export function runStatus(run: Run, trans: TranslationBundle): Status {
  const label = runStateLabel(run.state, trans);
  switch (run.state) {
    case 'running':
      return {
        tone: 'active',
        label,
        detail: run.cell === undefined ? run.reason : trans.__('cell %1 of %2', run.cell.current, run.cell.total)
      };
    case 'released':
      return { tone: run.failure === undefined ? 'good' : 'bad', label, detail: outputsSentence(run, trans) };
    case 'failed':
      return { tone: 'bad', label, detail: failureSentence(run.failure, trans) ?? run.reason };
    case 'cancelled':
      return { tone: 'ended', label, detail: run.reason };
    case 'output-review':
      return { tone: 'waiting', label, detail: run.reason };
    case 'queued':
    case 'starting':
    case 'awaiting-keys':
      return { tone: 'active', label, detail: run.reason };
  }
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
    case 'released':
      return trans.__('released');
    case 'failed':
      return trans.__('failed');
    case 'cancelled':
      return trans.__('cancelled');
  }
}

function outputsSentence({ outputs, failure }: Run, trans: TranslationBundle): string | undefined {
  const parts = [failureSentence(failure, trans)];
  if (outputs !== undefined) {
    parts.push(trans._n('%1 output', '%1 outputs', outputs.released));
    if (outputs.held > 0) parts.push(trans.__('%1 held', outputs.held));
    if (outputs.suppressed > 0) parts.push(trans.__('%1 suppressed', outputs.suppressed));
  }
  const said = parts.filter(part => part !== undefined);
  return said.length === 0 ? undefined : said.join(', ');
}
