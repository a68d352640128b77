import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { elapsed, formatAgo, formatDuration, formatTimestamp } from '../shared/format.js';
import { entryStatus, hasEnded, type Entry, type Viewer } from '../shared/status.js';
import { StatusMark, ToneIcon } from '../shared/symbols.js';
import { Timeline } from './timeline.js';

/** The actions on a submission and its runs. Those that cannot be undone ask for confirmation first. */
export interface EntryActions {
  readonly openResult: (runId: string) => void;
  readonly cancel: (runId: string) => void;
  readonly withdraw: (submissionId: string) => void;
  readonly runAgain: (submissionId: string) => void;
  readonly saveReceipt: (runId: string) => void;
  readonly show: (submissionId: string) => void;
}

/** The properties of a row. */
export interface RowProps {
  readonly entry: Entry;
  readonly now: number;
  readonly language: string;
  readonly viewer: Viewer;
  readonly trans: TranslationBundle;
  readonly actions: EntryActions;
  readonly cancelling: boolean;
  readonly open: boolean;
  /** Whether the submission is the party's own. Only then can it be withdrawn or cancelled. */
  readonly own: boolean;
  readonly onToggle: () => void;
}

/** Shows one submission in the runs panel: its status, and its history when it is open. */
export function Row(props: RowProps): React.JSX.Element {
  const { entry, now, language, viewer, trans, open } = props;
  const { submission, runs } = entry;
  const [run] = runs;
  const status = entryStatus(entry, viewer, trans);
  const id = `crm-entry-${submission.id}`;
  return (
    <li className="crm-Row" data-submission={submission.id}>
      <button
        type="button"
        className="crm-Row-head"
        aria-expanded={open}
        aria-controls={id}
        onClick={props.onToggle}
      >
        <span className="crm-Row-title">
          <span className="crm-Row-name">{submission.revision.notebook}</span>
          {run?.simulated === true && <StatusMark kind="simulated" trans={trans} />}
        </span>
        <span className="crm-Row-status">
          <ToneIcon tone={status.tone} />
          <span className="crm-Row-label">{props.cancelling ? trans.__('stopping…') : status.label}</span>
          <span className="crm-Row-time" title={formatTimestamp(submission.revision.submittedAt, language)}>
            {run?.startedAt === undefined
              ? formatAgo(submission.revision.submittedAt, now, language)
              : formatDuration(elapsed(run.startedAt, run.endedAt, now))}
          </span>
        </span>
        {status.detail !== undefined && <span className="crm-Row-detail">{status.detail}</span>}
      </button>
      <div id={id} hidden={!open}>
        {open && <Timeline entry={entry} now={now} language={language} viewer={viewer} trans={trans} />}
        {open && <Actions {...props} />}
      </div>
    </li>
  );
}

function Actions({ entry, trans, actions, cancelling, own }: RowProps): React.JSX.Element {
  const { submission, runs, detail } = entry;
  const [run] = runs;
  const running = run !== undefined && !hasEnded(run);
  const comments = detail?.submission.comments.length ?? 0;
  const { state } = submission.revision;
  const action = (label: string, act: () => void, disabled = false): React.JSX.Element => (
    <button type="button" className="jp-Button crm-Button" disabled={disabled} onClick={act}>
      {label}
    </button>
  );
  return (
    <div className="crm-Row-actions">
      {run?.state === 'completed' && own && action(trans.__('Open result'), () => actions.openResult(run.id))}
      {run?.state === 'completed' && action(trans.__('Save receipt'), () => actions.saveReceipt(run.id))}
      {action(
        comments === 0
          ? trans.__('Show submission')
          : trans._n('Show submission (%1 comment)', 'Show submission (%1 comments)', comments),
        () => actions.show(submission.id)
      )}
      {running && own && action(trans.__('Cancel run…'), () => actions.cancel(run.id), cancelling)}
      {!running &&
        own &&
        state === 'approved' &&
        action(trans.__('Run again'), () => actions.runAgain(submission.id))}
      {!running &&
        own &&
        state === 'submitted' &&
        action(trans.__('Withdraw…'), () => actions.withdraw(submission.id))}
    </div>
  );
}
