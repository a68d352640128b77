import type { TranslationBundle } from '@jupyterlab/translation';
import { isFinal, RUN_MOVES } from '@clean-room/protocol/runs';
import * as React from 'react';
import { Mark } from '../shared/mark.js';
import { entryStatus, type Entry } from '../shared/status.js';
import { elapsed, formatAgo, formatDuration, formatMoment } from '../shared/time.js';
import { ToneIcon } from '../shared/tone-icon.js';
import { Timeline } from './timeline.js';

/** What a person can do with an entry; each opens or asks, none acts without a word. */
export interface EntryActions {
  openResult(runId: string): void;
  cancel(runId: string): void;
  withdraw(submissionId: string): void;
  saveReceipt(runId: string): void;
  discuss(submissionId: string): void;
}

export interface RowProps {
  readonly entry: Entry;
  readonly now: number;
  readonly language: string;
  readonly trans: TranslationBundle;
  readonly actions: EntryActions;
  readonly cancelling: boolean;
  readonly open: boolean;
  onToggle(): void;
}

/** One submission in the runs panel: where it stands in one line, its history when opened. */
export function Row(props: RowProps): JSX.Element {
  const { entry, now, language, trans, open } = props;
  const { submission, runs } = entry;
  const [run] = runs;
  const status = entryStatus(entry, trans);
  const id = `crm-entry-${submission.id}`;
  return (
    <li className="crm-Row" data-submission={submission.id}>
      <button type="button" className="crm-Row-head" aria-expanded={open} aria-controls={id} onClick={props.onToggle}>
        <span className="crm-Row-title">
          <span className="crm-Row-name">{submission.notebook}</span>
          {run?.simulated === true && <Mark kind="simulated" trans={trans} />}
        </span>
        <span className="crm-Row-status">
          <ToneIcon tone={status.tone} />
          <span>{props.cancelling ? trans.__('stopping…') : status.label}</span>
          <span className="crm-Row-time" title={formatMoment(submission.submittedAt, language)}>
            {run?.startedAt === undefined
              ? formatAgo(submission.submittedAt, now, language)
              : formatDuration(elapsed(run.startedAt, run.endedAt, now))}
          </span>
        </span>
        {status.detail !== undefined && <span className="crm-Row-detail">{status.detail}</span>}
      </button>
      <div id={id} hidden={!open}>
        {open && <Timeline entry={entry} now={now} language={language} trans={trans} />}
        {open && <Actions {...props} />}
      </div>
    </li>
  );
}

function Actions({ entry, trans, actions, cancelling }: RowProps): JSX.Element {
  const { submission, runs } = entry;
  const [run] = runs;
  const running = run !== undefined && !isFinal(RUN_MOVES, run.state);
  const open = submission.state === 'submitted' || submission.state === 'approved';
  const action = (label: string, run: () => void, disabled = false): JSX.Element => (
    <button type="button" className="jp-mod-styled crm-Button" disabled={disabled} onClick={run}>
      {label}
    </button>
  );
  return (
    <div className="crm-Row-actions">
      {run?.state === 'released' && action(trans.__('Open result'), () => actions.openResult(run.id))}
      {run?.state === 'released' && action(trans.__('Save receipt'), () => actions.saveReceipt(run.id))}
      {action(
        submission.comments === 0 ? trans.__('Show') : trans._n('Show (%1 comment)', 'Show (%1 comments)', submission.comments),
        () => actions.discuss(submission.id)
      )}
      {running && action(trans.__('Cancel run…'), () => actions.cancel(run.id), cancelling)}
      {!running && open && run === undefined && action(trans.__('Withdraw…'), () => actions.withdraw(submission.id))}
    </div>
  );
}
