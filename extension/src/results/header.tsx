import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { elapsed, formatDuration, formatTimestamp } from '../shared/format.js';
import { useSignals } from '../shared/hooks.js';
import { ProblemView } from '../shared/problems.js';
import { failureText } from '../shared/status.js';
import { StatusMark } from '../shared/symbols.js';
import { Proof } from '../verification/proof-view.js';
import type { ResultModel } from './model.js';

/** The actions on a result. */
export interface ResultActions {
  readonly openInWorkspace: () => void;
  readonly saveReceipt: () => void;
}

/** The properties of the parts of a result view. */
export interface ResultProps {
  readonly model: ResultModel;
  readonly actions: ResultActions;
  readonly trans: TranslationBundle;
  readonly language: string;
}

function outputCounts(model: ResultModel, trans: TranslationBundle): string {
  const { returned, held, suppressed } = model.counts;
  const parts = [trans._n('%1 output', '%1 outputs', returned)];
  if (held > 0) parts.push(trans.__('%1 held for review', held));
  if (suppressed > 0) parts.push(trans.__('%1 suppressed', suppressed));
  return parts.join(', ');
}

/** Shows which notebook ran, when and how it ended, and the actions on the result. */
export function ResultHeader({ model, actions, trans, language }: ResultProps): React.JSX.Element {
  useSignals(model.stateChanged);
  const { run, cells, receipt, isWorking } = model;
  const failure = failureText(run?.failure, trans);
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
            {cells !== undefined && <> · {outputCounts(model, trans)}</>}
          </p>
        )}
        {failure !== undefined && (
          <p className="crm-Warning">{trans.__('The notebook ended early: %1.', failure)}</p>
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
          {trans.__('Verify again')}
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

/** Shows what the receipt proves. */
export function ResultSide({ model, trans, language }: ResultProps): React.JSX.Element {
  useSignals(model.stateChanged, model.session.changed);
  const { verified, problem, isWorking } = model;
  return (
    <>
      {problem !== undefined && <ProblemView problem={problem} trans={trans} />}
      {isWorking && <p role="status">{trans.__('Verifying…')}</p>}
      {verified !== undefined && (
        <Proof
          verified={verified}
          titleOf={party => model.session.titleOf(party)}
          language={language}
          trans={trans}
        />
      )}
    </>
  );
}
