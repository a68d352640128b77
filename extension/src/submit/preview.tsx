import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { DigestView } from '../shared/digest.js';
import { ProblemView } from '../shared/problems.js';
import { joinNames } from '../shared/status.js';
import type { SubmitModel } from './model.js';

/** A row of the submit dialog: a label, and the inputs or facts that it names. */
export function Field({ label, children }: React.PropsWithChildren<{ label: string }>): React.JSX.Element {
  return (
    <div className="crm-Field" role="group" aria-label={label}>
      <div className="crm-Field-label">{label}</div>
      <div className="crm-Field-content">{children}</div>
    </div>
  );
}

/** Shows which providers must approve the submission, and its image digest. */
export function SubmissionPreviewView({
  model,
  trans
}: {
  model: SubmitModel;
  trans: TranslationBundle;
}): React.JSX.Element {
  const node = React.useRef<HTMLDivElement>(null);
  const { preview, problem, isWorking, isReady } = model;
  React.useEffect(() => {
    // JupyterLab's dialog checks on input events whether its button can be enabled.
    node.current?.dispatchEvent(new Event('input', { bubbles: true }));
  }, [isReady]);
  return (
    <div ref={node} className={`crm-Preview${isReady ? '' : ' jp-mod-error'}`} aria-live="polite">
      {problem !== undefined && <ProblemView problem={problem} trans={trans} />}
      {isWorking && <p>{trans.__('Computing the image digest…')}</p>}
      {!isWorking && problem === undefined && preview === undefined && (
        <p>{trans.__('Select a purpose to see which approvals are needed.')}</p>
      )}
      {preview !== undefined && (
        <>
          <Field label={trans.__('Approval')}>
            {preview.providers.length === 0
              ? trans.__('No approval is needed.')
              : trans.__(
                  'Needs approval by %1.',
                  joinNames(
                    preview.providers.map(party => model.titleOf(party)),
                    trans
                  )
                )}
          </Field>
          <Field label={trans.__('Image digest')}>
            <DigestView digest={preview.image} trans={trans} />{' '}
            <span className="crm-Quiet">
              {trans.__('Identifies the program. Anyone can rebuild it and compare.')}
            </span>
          </Field>
        </>
      )}
    </div>
  );
}
