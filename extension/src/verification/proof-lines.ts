import type { ReceiptAppraisal, ReceiptStep, ReceiptStepStatus } from '@clean-room/protocol/receipts';
import type { TranslationBundle } from '@jupyterlab/translation';
import { formatDate, formatTimestamp } from '../shared/format.js';
import { joinNames } from '../shared/status.js';
import type { ReceiptFacts, VerifiedReceipt } from './verify.js';

/** One line of the proof panel: a fact in plain words, and whether it is proven. */
export interface ProofLine {
  readonly id: string;
  readonly status: ReceiptStepStatus;
  readonly text: string;
}

/** The statuses from the most severe to the least severe. */
const SEVERITY: readonly ReceiptStepStatus[] = ['fail', 'not-reached', 'unknown', 'not-proved', 'pass'];

/** Returns the most severe status of the given steps. Steps that had nothing to check do not count. */
function statusOf({ steps }: ReceiptAppraisal, ...ids: readonly ReceiptStep['id'][]): ReceiptStepStatus {
  const statuses = steps.filter(({ id }) => ids.includes(id)).map(({ status }) => status);
  return SEVERITY.find(status => statuses.includes(status)) ?? 'pass';
}

const isBroken = (status: ReceiptStepStatus): boolean => status === 'fail' || status === 'not-reached';

/** Returns what the summary must say about the machine; empty for hardware that Google vouches for. */
function machineLimit({ marks }: ReceiptAppraisal, trans: TranslationBundle): string {
  if (marks.simulated) return ` ${trans.__('SIMULATED: no hardware protected this run.')}`;
  return marks.otherRoot === undefined
    ? ''
    : ` ${trans.__('OTHER ROOT: %1 vouches for the machine, not Google.', marks.otherRoot)}`;
}

/** Returns the result of the verification in one sentence. */
export function proofSummary(appraisal: ReceiptAppraisal, trans: TranslationBundle): string {
  const limit = machineLimit(appraisal, trans);
  switch (appraisal.outcome) {
    case 'verified':
      return statusOf(appraisal, 'time') === 'pass'
        ? trans.__('Verified.') + limit
        : trans.__('Verified. The time is not independently proven.') + limit;
    case 'consistent':
      return trans.__('Consistent, but not all signers are known.') + limit;
    case 'failed':
      return trans.__('Not verified. Do not rely on this result.');
  }
}

/**
 * Returns what a receipt proves and does not prove, in plain words: the program, the data, the approvals, the machine, the
 * outputs, the time, and the limits of any proof. Returns only the limits when the receipt cannot be read.
 */
export function proofLines(
  { appraisal, facts }: VerifiedReceipt,
  language: string,
  trans: TranslationBundle
): readonly ProofLine[] {
  const limits: ProofLine = {
    id: 'limits',
    status: 'not-proved',
    text: trans.__(
      'Not proven: that the machine was not observed from outside (side channels, physical attacks).'
    )
  };
  if (facts === undefined) return [limits];
  return [
    programLine(appraisal, facts, trans),
    dataLine(appraisal, facts, trans),
    approvalLine(appraisal, facts, language, trans),
    machineLine(appraisal, facts, trans),
    outputsLine(appraisal, facts, trans),
    timeLine(appraisal, facts, language, trans),
    limits
  ];
}

function programLine(appraisal: ReceiptAppraisal, facts: ReceiptFacts, trans: TranslationBundle): ProofLine {
  const status = statusOf(appraisal, 'format', 'statement', 'spec', 'submitter', 'kernel-image', 'image');
  const text = isBroken(status)
    ? trans.__('It is not proven which program ran.')
    : trans.__('The notebook %1 ran, unchanged since it was submitted.', facts.notebook);
  return { id: 'program', status, text };
}

function dataLine(
  appraisal: ReceiptAppraisal,
  { datasets, purpose }: ReceiptFacts,
  trans: TranslationBundle
): ProofLine {
  const status = statusOf(appraisal, 'assets', 'terms', 'key-releases');
  const names = datasets.map(({ name, version }) => trans.__('%1 version %2', name, version));
  const text = isBroken(status)
    ? trans.__('It is not proven which data was used.')
    : names.length === 0
      ? trans.__('It used no dataset.')
      : trans.__('It used %1. Purpose: %2.', joinNames(names, trans), purpose);
  return { id: 'data', status, text };
}

function approvalLine(
  appraisal: ReceiptAppraisal,
  { approvals }: ReceiptFacts,
  language: string,
  trans: TranslationBundle
): ProofLine {
  const status = statusOf(appraisal, 'collaboration', 'parties', 'approvals');
  const names = approvals.map(({ provider, reviewer, approvedAt, unattended }) => {
    const date = formatDate(approvedAt, language);
    return unattended
      ? trans.__('%1 (%2, %3, without a passkey)', provider, reviewer, date)
      : trans.__('%1 (%2, %3)', provider, reviewer, date);
  });
  const text = isBroken(status)
    ? trans.__('It is not proven that every provider approved.')
    : names.length === 0
      ? trans.__('No approval was needed.')
      : trans.__('Approved by %1.', joinNames(names, trans));
  return { id: 'approvals', status, text };
}

const HARDWARE_NAMES: Readonly<Record<string, string>> = {
  GCP_INTEL_TDX: 'Intel TDX',
  GCP_AMD_SEV: 'AMD SEV'
};

function machineLine(
  appraisal: ReceiptAppraisal,
  { hardware = '' }: ReceiptFacts,
  trans: TranslationBundle
): ProofLine {
  const status = statusOf(appraisal, 'token', 'tee-rule');
  if (isBroken(status)) {
    return { id: 'machine', status, text: trans.__('It is not proven on which machine it ran.') };
  }
  if (appraisal.marks.simulated) {
    return {
      id: 'machine',
      status: 'not-proved',
      text: trans.__('It ran on a simulated machine. No hardware protected the data.')
    };
  }
  const { otherRoot } = appraisal.marks;
  if (otherRoot !== undefined) {
    return {
      id: 'machine',
      status: 'not-proved',
      text: trans.__('%1 vouches for the machine, not Google.', otherRoot)
    };
  }
  const model = HARDWARE_NAMES[hardware] ?? hardware;
  return {
    id: 'machine',
    status,
    text: trans.__('It ran on a genuine %1 machine that every provider accepts.', model)
  };
}

function outputsLine(
  appraisal: ReceiptAppraisal,
  { outputs: { returned, held, suppressed } }: ReceiptFacts,
  trans: TranslationBundle
): ProofLine {
  const status = statusOf(appraisal, 'statement', 'token', 'output-releases');
  if (isBroken(status)) {
    return { id: 'outputs', status, text: trans.__('It is not proven that these are the outputs.') };
  }
  const sentences = [
    trans._n('It returned %1 output and no other.', 'It returned %1 outputs and no others.', returned)
  ];
  if (suppressed > 0)
    sentences.push(trans._n('%1 output was suppressed.', '%1 outputs were suppressed.', suppressed));
  if (held > 0) sentences.push(trans._n('%1 output is held.', '%1 outputs are held.', held));
  return { id: 'outputs', status, text: sentences.join(' ') };
}

function timeLine(
  appraisal: ReceiptAppraisal,
  { endedAt }: ReceiptFacts,
  language: string,
  trans: TranslationBundle
): ProofLine {
  const status = statusOf(appraisal, 'time');
  const time = formatTimestamp(endedAt, language);
  const text = isBroken(status)
    ? trans.__('The time is not proven.')
    : status === 'pass'
      ? trans.__('Time: %1, proven by the log.', time)
      : trans.__('Time: %1, stated by the signer; not proven by the log.', time);
  return { id: 'time', status, text };
}
