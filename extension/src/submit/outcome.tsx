import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { DigestView } from '../shared/digest-view.js';
import { ProblemView } from '../shared/problem-view.js';
import { names } from '../shared/status.js';
import type { SubmitModel } from './model.js';

/** What would be submitted: who has to approve it, and the program's identity. */
export function SubmissionOutcome({
  model,
  trans
}: {
  model: SubmitModel;
  trans: TranslationBundle;
}): JSX.Element {
  const node = React.useRef<HTMLDivElement>(null);
  const { preview, problem, isWorking, isReady } = model;
  React.useEffect(() => {
    // JupyterLab's dialog looks again at what can't be accepted whenever there is input.
    node.current?.dispatchEvent(new Event('input', { bubbles: true }));
  }, [isReady]);
  return (
    <div ref={node} className={`crm-Outcome${isReady ? '' : ' jp-mod-error'}`} aria-live="polite">
      {problem !== undefined && <ProblemView problem={problem} trans={trans} />}
      {isWorking && <p>{trans.__('Working out the program’s image digest…')}</p>}
      {!isWorking && problem === undefined && preview === undefined && (
        <p>{trans.__('Choose a purpose; then you see who has to approve.')}</p>
      )}
      {preview !== undefined && (
        <>
          <p>
            {preview.providers.length === 0
              ? trans.__('Needs nobody’s approval.')
              : trans.__(
                  'Needs approval by %1.',
                  names(
                    preview.providers.map(party => model.titleOf(party)),
                    trans
                  )
                )}
          </p>
          <p>
            {trans.__('Image digest')} <DigestView digest={preview.image} trans={trans} />{' '}
            <span className="crm-Quiet">{trans.__('The program’s identity; anyone can rebuild it.')}</span>
          </p>
        </>
      )}
    </div>
  );
}
