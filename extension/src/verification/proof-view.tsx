import type { ReceiptAppraisal, ReceiptStep, ReceiptStepStatus } from '@clean-room/protocol/receipts';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { StatusMark } from '../shared/symbols.js';
import { proofLines, proofSummary } from './proof-lines.js';
import type { VerifiedReceipt } from './verify.js';

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
      return trans.__('passed');
    case 'fail':
      return trans.__('failed');
    case 'unknown':
      return trans.__('signer unknown');
    case 'not-proved':
      return trans.__('not proven');
    case 'not-asked':
      return trans.__('nothing to check');
    case 'not-reached':
      return trans.__('not checked');
  }
}

function StatusSymbol({ status }: { status: ReceiptStepStatus }): React.JSX.Element {
  return (
    <span className="crm-Step-symbol" aria-hidden="true">
      {SYMBOLS[status]}
    </span>
  );
}

/** Shows the name of a status in parentheses. If `hidden`, only screen readers get it, because the line already shows it. */
function StatusName({
  status,
  hidden,
  trans
}: {
  status: ReceiptStepStatus;
  hidden: boolean;
  trans: TranslationBundle;
}): React.JSX.Element {
  return <span className={hidden ? 'crm-Hidden' : 'crm-Quiet'}>({statusName(status, trans)})</span>;
}

function Step({ step, trans }: { step: ReceiptStep; trans: TranslationBundle }): React.JSX.Element {
  return (
    <li className={`crm-Step crm-mod-${step.status}`}>
      <StatusSymbol status={step.status} />
      <details open={step.status === 'fail'}>
        <summary>
          {step.title} <StatusName status={step.status} hidden={step.status === 'pass'} trans={trans} />
        </summary>
        <p>{step.detail}</p>
      </details>
    </li>
  );
}

/** Shows the limitations that must be as visible as the result. */
function Marks({
  appraisal: { marks },
  titleOf,
  trans
}: {
  appraisal: ReceiptAppraisal;
  titleOf: (party: string) => string;
  trans: TranslationBundle;
}): React.JSX.Element {
  const titles = (parties: readonly string[]): string => parties.map(titleOf).join(', ');
  return (
    <div className="crm-Marks">
      {marks.simulated && <StatusMark kind="simulated" trans={trans} />}
      {marks.otherRoot !== undefined && <StatusMark kind="other-root" of={marks.otherRoot} trans={trans} />}
      {marks.unattended.length > 0 && (
        <StatusMark kind="unattended" of={titles(marks.unattended)} trans={trans} />
      )}
      {marks.coHosted.length > 0 && <StatusMark kind="co-hosted" of={titles(marks.coHosted)} trans={trans} />}
      {marks.operatorHosted.length > 0 && (
        <StatusMark kind="operator-hosted" of={titles(marks.operatorHosted)} trans={trans} />
      )}
      {marks.developmentKernelImage && <StatusMark kind="development-kernel-image" trans={trans} />}
    </div>
  );
}

/** The properties of the proof panel. */
export interface ProofProps {
  readonly verified: VerifiedReceipt;
  readonly titleOf: (party: string) => string;
  readonly language: string;
  readonly trans: TranslationBundle;
}

/** Shows what a receipt proves in a few plain lines. The technical steps are folded under "All checks". */
export function Proof({ verified, titleOf, language, trans }: ProofProps): React.JSX.Element {
  const { appraisal } = verified;
  return (
    <section
      className={`crm-Proof crm-mod-${appraisal.outcome}${appraisal.marks.simulated ? ' crm-mod-simulated' : ''}`}
      aria-label={trans.__('What is proven')}
    >
      <h2>{trans.__('What is proven')}</h2>
      <p className="crm-Proof-summary" role="status">
        {proofSummary(appraisal, trans)}
      </p>
      <Marks appraisal={appraisal} titleOf={titleOf} trans={trans} />
      <ul className="crm-Steps crm-Proof-lines">
        {proofLines(verified, language, trans).map(({ id, status, text }) => (
          <li key={id} className={`crm-Step crm-mod-${status}`}>
            <StatusSymbol status={status} />
            <span>
              {text}{' '}
              <StatusName status={status} hidden={['pass', 'not-proved'].includes(status)} trans={trans} />
            </span>
          </li>
        ))}
      </ul>
      <details className="crm-Proof-checks" open={appraisal.outcome === 'failed'}>
        <summary>{trans.__('All checks')}</summary>
        <ol className="crm-Steps">
          {appraisal.steps.map(step => (
            <Step key={step.id} step={step} trans={trans} />
          ))}
        </ol>
      </details>
    </section>
  );
}
