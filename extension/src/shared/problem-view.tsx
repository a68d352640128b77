import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { ProblemError } from '../api/problem.js';

/** A failure in words: what happened, what to do, where to find it again. */
export function ProblemView({
  problem,
  trans
}: {
  problem: ProblemError;
  trans: TranslationBundle;
}): JSX.Element {
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
