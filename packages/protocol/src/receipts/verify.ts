import { Approval } from '../approvals/approval.js';
import { checkSignaturesAhead } from '../documents/signatures-ahead.js';
import { isCleanRoomError } from '../errors/index.js';
import { KernelImageStatement } from '../kernel-images/kernel-image.js';
import { claimedBy } from './claimed.js';
import {
  envelopesOf,
  openAssets,
  openMembers,
  openReceipt,
  openSpec,
  openStatement,
  openSubmitterRoster,
  providerRoster,
  providersOf,
  type ReceiptEvidence
} from './evidence.js';
import { RECEIPT_CHECKS, verifyRunToken, type ReceiptCase } from './checks.js';
import type { TrustRoots } from './receipt.js';
import {
  RECEIPT_STEPS,
  findingPass,
  type Finding,
  type ReceiptMarks,
  type ReceiptStep,
  type ReceiptStepId,
  type ReceiptAppraisal
} from './steps.js';

export interface ReceiptRequest {
  /** Whom to believe. Without it a receipt is at best "consistent, signers unknown". */
  readonly trust?: TrustRoots;
  /** The moment to judge at; without it the moment the token was issued, as befits an archived receipt. */
  readonly at?: Date;
}

const NO_MARKS: ReceiptMarks = {
  simulated: false,
  coHosted: [],
  unattended: [],
  operatorHosted: [],
  developmentKernelImage: false
};

/**
 * Verifies a receipt offline, with nothing but the receipt and the trust roots, in browser, Node and TEE alike. A bad
 * receipt is never an exception: it is a verdict whose failed steps say why.
 * @param bytes the receipt's JSON as it was stored
 * @throws CleanRoomError `unavailable` where there is no WebCrypto
 */
export async function verifyReceipt(
  bytes: Uint8Array,
  request: ReceiptRequest = {}
): Promise<ReceiptAppraisal> {
  const report = new Report();
  const receipt = report.open('format', () => openReceipt(bytes));
  if (receipt !== undefined) await checkSignaturesAhead(envelopesOf(receipt));
  const statement = receipt && report.open('statement', () => openStatement(receipt));
  const spec = receipt && statement && report.open('spec', () => openSpec(receipt, statement.value));
  const collaboration =
    receipt && spec && report.open('collaboration', () => openMembers(receipt, spec.value));
  const opened =
    receipt &&
    statement &&
    spec &&
    collaboration &&
    report.open('assets', () => openAssets(receipt, spec.value, statement.value));
  if (!opened) return report.verdict(NO_MARKS, statement && { statement: statement.value });

  const evidence: ReceiptEvidence = { receipt, statement, spec, collaboration, ...opened };
  const at = request.at ?? claimedBy(receipt.token).issuedAt;
  const token = await verifyRunToken(evidence, request.trust, at);
  const theCase: ReceiptCase = { ...evidence, trust: request.trust, token, at };
  for (const [id, judge] of RECEIPT_CHECKS) report.take(id, () => judge(theCase));
  return report.verdict(marksOf(theCase), { statement: statement.value, token });
}

function marksOf(theCase: ReceiptCase): ReceiptMarks {
  const { receipt, spec, token } = theCase;
  const approvals = receipt.approvals.flatMap(
    bundle => attempt(() => Approval.peek(bundle.envelope).value) ?? []
  );
  const rosters = providersOf(spec.value).map(provider => attempt(() => providerRoster(theCase, provider)));
  const submitter = attempt(() => openSubmitterRoster(theCase));
  const kernelImage = attempt(() => KernelImageStatement.peek(receipt.kernelImage.statement).value);
  return {
    simulated: token.simulated,
    coHosted: rosters.flatMap(roster => (roster?.custodian?.hosting === 'co-hosted' ? [roster.party] : [])),
    unattended: approvals.filter(approval => approval.unattended).map(approval => approval.provider),
    operatorHosted: [submitter, ...rosters].flatMap(roster =>
      roster?.jupyterHost === 'operator-hosted' ? [roster.party] : []
    ),
    developmentKernelImage: kernelImage?.development === true
  };
}

function attempt<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if (isCleanRoomError(error)) return undefined; // the step of its own reports it
    throw error;
  }
}

class Report {
  readonly #findings = new Map<ReceiptStepId, Finding>();

  open<T>(id: ReceiptStepId, open: () => T): T | undefined {
    let value: T | undefined;
    this.take(id, () => {
      value = open();
      return findingPass('Its bytes are the ones that were signed.');
    });
    return value;
  }

  take(id: ReceiptStepId, judge: () => Finding): void {
    try {
      this.#findings.set(id, judge());
    } catch (error) {
      if (!isCleanRoomError(error)) throw error;
      this.#findings.set(id, { status: 'fail', detail: error.message });
    }
  }

  verdict(
    marks: ReceiptMarks,
    rest: Partial<Pick<ReceiptAppraisal, 'statement' | 'token'>> = {}
  ): ReceiptAppraisal {
    const ids = Object.keys(RECEIPT_STEPS) as ReceiptStepId[];
    const steps = ids.map((id): ReceiptStep => {
      const finding = this.#findings.get(id) ?? { status: 'not-reached', detail: 'An earlier step failed.' };
      return { id, title: RECEIPT_STEPS[id], ...finding };
    });
    const has = (...statuses: string[]) => steps.some(step => statuses.includes(step.status));
    const outcome = has('fail', 'not-reached') ? 'failed' : has('unknown') ? 'consistent' : 'verified';
    return { steps, outcome, summary: summarise(outcome, marks), marks, ...rest };
  }
}

function summarise(outcome: ReceiptAppraisal['outcome'], marks: ReceiptMarks): string {
  const suffix = marks.simulated ? ' SIMULATED: no hardware vouches for it.' : '';
  switch (outcome) {
    case 'verified':
      return `Verified; signed, time unproven.${suffix}`;
    case 'consistent':
      return `Consistent, signers unknown.${suffix}`;
    case 'failed':
      return 'Not verified: do not rely on this result.';
  }
}
