import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { StatusMark } from '../shared/mark.js';
import type { ReceiptStep, ReceiptStepStatus, ReceiptAppraisal } from './verify.js';

const SYMBOLS: Readonly<Record<ReceiptStepStatus, string>> = {
  pass: '✓',
  fail: '✗',
  unknown: '?',
  'not-proved': '–',
  'not-asked': '·',
  'not-reached': '·'
};

function statusName(status: ReceiptStepStatus, trans: TranslationBundle): string {
  switch (status) {
    case 'pass':
      return trans.__('holds');
    case 'fail':
      return trans.__('does not hold');
    case 'unknown':
      return trans.__('signer unknown');
    case 'not-proved':
      return trans.__('not proved');
    case 'not-asked':
      return trans.__('nothing to check');
    case 'not-reached':
      return trans.__('not reached');
  }
}

function Step({ step, trans }: { step: ReceiptStep; trans: TranslationBundle }): JSX.Element {
  return (
    <li className={`crm-Step crm-mod-${step.status}`}>
      <span className="crm-Step-symbol" aria-hidden="true">
        {SYMBOLS[step.status]}
      </span>
      <details open={step.status === 'fail'}>
        <summary>
          {step.title}{' '}
          <span className={step.status === 'pass' ? 'crm-Hidden' : 'crm-Quiet'}>
            ({statusName(step.status, trans)})
          </span>
        </summary>
        <p>{step.detail}</p>
      </details>
    </li>
  );
}

/** What must be seen beside a result, before anything that it claims. */
export function Marks({
  marks,
  titleOf,
  trans
}: {
  marks: ReceiptAppraisal['marks'];
  titleOf: (party: string) => string;
  trans: TranslationBundle;
}): JSX.Element {
  const named = (parties: readonly string[]): string => parties.map(titleOf).join(', ');
  return (
    <div className="crm-Marks">
      {marks.simulated && <StatusMark kind="simulated" trans={trans} />}
      {marks.unattended.length > 0 && (
        <StatusMark kind="unattended" of={named(marks.unattended)} trans={trans} />
      )}
      {marks.coHosted.length > 0 && <StatusMark kind="co-hosted" of={named(marks.coHosted)} trans={trans} />}
      {marks.operatorHosted.length > 0 && (
        <StatusMark kind="operator-hosted" of={named(marks.operatorHosted)} trans={trans} />
      )}
      {marks.developmentKernelImage && <StatusMark kind="development-kernel-image" trans={trans} />}
    </div>
  );
}

export interface ProofProps {
  readonly verdict: ReceiptAppraisal;
  readonly titleOf: (party: string) => string;
  readonly trans: TranslationBundle;
}

/** What a receipt proves and what it does not, step by step. */
export function Proof({ verdict, titleOf, trans }: ProofProps): JSX.Element {
  return (
    <section
      className={`crm-Proof crm-mod-${verdict.outcome}${verdict.marks.simulated ? ' crm-mod-simulated' : ''}`}
      aria-label={trans.__('What is proved')}
    >
      <h2>{trans.__('What is proved')}</h2>
      <p className="crm-Proof-summary" role="status">
        {verdict.summary}
      </p>
      <Marks marks={verdict.marks} titleOf={titleOf} trans={trans} />
      <ol className="crm-Steps">
        {verdict.steps.map(step => (
          <Step key={step.id} step={step} trans={trans} />
        ))}
        <li className="crm-Step crm-mod-not-proved">
          <span className="crm-Step-symbol" aria-hidden="true">
            –
          </span>
          <span>
            {trans.__(
              'Never proved: that nobody watched the machine from outside (side channels, physical attacks).'
            )}
          </span>
        </li>
      </ol>
    </section>
  );
}
