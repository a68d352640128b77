import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { failureSentence } from '../shared/failure.js';
import { useSignals } from '../shared/hooks.js';
import { ProblemView } from '../shared/problem-view.js';
import { elapsed, formatDuration, formatTimestamp } from '../shared/time.js';
import { Proof } from '../verification/proof-view.js';
import { StatusMark } from '../shared/mark.js';
import type { ResultModel } from './model.js';

export interface ResultActions {
  openInWorkspace(): void;
  saveReceipt(): void;
}

export interface ResultProps {
  readonly model: ResultModel;
  readonly actions: ResultActions;
  readonly trans: TranslationBundle;
  readonly language: string;
}

function outputsSentence(model: ResultModel, trans: TranslationBundle): string {
  const { released, held, suppressed } = model.counts;
  const parts = [trans._n('%1 output', '%1 outputs', released)];
  if (held > 0) parts.push(trans.__('%1 held for review', held));
  if (suppressed > 0) parts.push(trans.__('%1 suppressed', suppressed));
  return parts.join(', ');
}

/** What ran, when, how it ended; and what can be done with it. */
export function ResultHeader({ model, actions, trans, language }: ResultProps): JSX.Element {
  useSignals(model.stateChanged);
  const { run, cells, receipt, isWorking } = model;
  const failure = failureSentence(run?.failure, trans);
  return (
    <header className="crm-ResultHeader">
      <div>
        <h1>{run?.notebook ?? trans.__('Result')}</h1>
        {run?.simulated === true && <StatusMark kind="simulated" trans={trans} />}
        {run?.startedAt !== undefined && (
          <p>
            {trans.__(
              'Run on real data %1, %2',
              formatTimestamp(run.startedAt, language),
              formatDuration(elapsed(run.startedAt, run.endedAt, Date.now()))
            )}
            {cells !== undefined && <> · {outputsSentence(model, trans)}</>}
          </p>
        )}
        {failure !== undefined && (
          <p className="crm-Warning">{trans.__('The notebook did not get to its end: %1.', failure)}</p>
        )}
      </div>
      <div className="crm-ResultHeader-actions">
        <button
          type="button"
          className="jp-Button crm-Button"
          disabled={cells === undefined}
          onClick={actions.openInWorkspace}
        >
          {trans.__('Open in workspace')}
        </button>
        <button
          type="button"
          className="jp-Button crm-Button"
          disabled={isWorking}
          onClick={() => void model.verifyAgain()}
        >
          {trans.__('Verify')}
        </button>
        <button
          type="button"
          className="jp-Button crm-Button"
          disabled={receipt === undefined}
          onClick={actions.saveReceipt}
        >
          {trans.__('Save receipt')}
        </button>
      </div>
    </header>
  );
}

/** The side of a result: what is proved about it. */
export function ResultSide({ model, trans }: ResultProps): JSX.Element {
  useSignals(model.stateChanged, model.session.changed);
  const { verdict, problem, isWorking } = model;
  return (
    <>
      {problem !== undefined && <ProblemView problem={problem} trans={trans} />}
      {isWorking && <p role="status">{trans.__('Verifying…')}</p>}
      {verdict !== undefined && (
        <Proof verdict={verdict} titleOf={party => model.session.titleOf(party)} trans={trans} />
      )}
    </>
  );
}
