import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { asProblem, type ProblemError } from '../api/problem.js';

/** Shows a failure in a panel: what happened, what to do, and the reference of the log entry. */
export function ProblemView({
  problem,
  trans
}: {
  problem: ProblemError;
  trans: TranslationBundle;
}): React.JSX.Element {
  return (
    <div className="crm-Problem" role="alert">
      <p className="crm-Problem-message">{problem.message}</p>
      {problem.remedy !== undefined && <p>{problem.remedy}</p>}
      {problem.reference !== undefined && (
        <p className="crm-Problem-reference">{trans.__('Reference: %1', problem.reference)}</p>
      )}
    </div>
  );
}

/** Shows a thrown value as a JupyterLab notification. It stays until the person closes it. */
export function notifyProblem(error: unknown, trans: TranslationBundle): void {
  const { message, remedy, reference } = asProblem(error);
  const lines = [
    message,
    remedy,
    reference === undefined ? undefined : trans.__('(Reference: %1)', reference)
  ];
  Notification.error(lines.filter(line => line !== undefined).join(' '), { autoClose: false });
}
