import { Approval } from '../approvals/approval.js';
import { checkSignaturesAhead } from '../documents/signatures-ahead.js';
import { isCleanRoomError } from '../errors/index.js';
import { KernelImageStatement } from '../kernel-images/kernel-image.js';
import type { KernelImageRevocations } from '../kernel-images/revocations.js';
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
import { RECEIPT_CHECKS, type ReceiptContext } from './checks.js';
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
import { claimedIssueTime, otherRootOf, verifyRunToken } from './token.js';

/** Options of verifying a receipt. */
export interface ReceiptOptions {
  /** The keys and certificates to trust. Without them, the outcome is at best `consistent`. */
  readonly trust?: TrustRoots;
  /** The time at which everything must have been valid. The default is when the token was issued, so that old receipts verify. */
  readonly at?: Date;
  /** Lists of revoked kernel images, each opened by `openRevocations`. Without them, revocations are not known. */
  readonly revocations?: readonly KernelImageRevocations[];
}

const NO_MARKS: ReceiptMarks = {
  simulated: false,
  coHosted: [],
  unattended: [],
  operatorHosted: [],
  developmentKernelImage: false
};

/**
 * Verifies a receipt offline, in browsers, Node and TEEs. It uses only the receipt and the trust roots, and makes no requests. A
 * bad receipt is not an exception: the result then has the outcome `failed`, and its failed steps say why.
 *
 * @param bytes - the receipt's JSON, as it was stored
 * @throws CleanRoomError `unavailable` where WebCrypto does not exist
 *
 * @example
 * The receipt and the trust roots are those of this package's tests. Programs read both from files.
 * ```ts
 * import { utf8 } from '@clean-room/protocol/bytes';
 * import { verifyReceipt } from '@clean-room/protocol/receipts';
 * import { makeReceipt } from '../support/receipt.js';
 *
 * const { receipt, trust } = await makeReceipt();
 * const { outcome, marks } = await verifyReceipt(utf8(JSON.stringify(receipt)), { trust });
 * console.log(outcome); // verified
 * console.log(marks.simulated); // true
 *
 * const forged = await verifyReceipt(utf8(JSON.stringify({ ...receipt, keyReleases: [] })), { trust });
 * const failed = forged.steps.filter(step => step.status === 'fail');
 * console.log(failed[0].detail); // The custodian of hospital/visits did not release its key to this attempt.
 * ```
 */
export async function verifyReceipt(
  bytes: Uint8Array,
  options: ReceiptOptions = {}
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
  if (!opened) return report.finish(NO_MARKS, statement && { statement: statement.value });

  const evidence: ReceiptEvidence = { receipt, statement, spec, collaboration, ...opened };
  const at = options.at ?? claimedIssueTime(receipt.token);
  const token = await verifyRunToken(evidence, options.trust, at);
  const context: ReceiptContext = {
    ...evidence,
    trust: options.trust,
    revocations: options.revocations ?? [],
    token,
    at
  };
  for (const [id, check] of RECEIPT_CHECKS) report.run(id, () => check(context));
  return report.finish(marksOf(context), { statement: statement.value, token });
}

function marksOf(context: ReceiptContext): ReceiptMarks {
  const { receipt, spec, token } = context;
  const approvals = receipt.approvals.flatMap(
    bundle => openOrNothing(() => Approval.peek(bundle.envelope).value) ?? []
  );
  const rosters = providersOf(spec.value).map(provider =>
    openOrNothing(() => providerRoster(context, provider))
  );
  const submitter = openOrNothing(() => openSubmitterRoster(context));
  const kernelImage = openOrNothing(() => KernelImageStatement.peek(receipt.kernelImage.statement).value);
  const otherRoot = otherRootOf(token);
  return {
    simulated: token.simulated,
    ...(otherRoot === undefined ? {} : { otherRoot }),
    coHosted: rosters.flatMap(roster => (roster?.custodian?.hosting === 'co-hosted' ? [roster.party] : [])),
    unattended: approvals.filter(approval => approval.unattended).map(approval => approval.provider),
    operatorHosted: [submitter, ...rosters].flatMap(roster =>
      roster?.jupyterHost === 'operator-hosted' ? [roster.party] : []
    ),
    developmentKernelImage: kernelImage?.development === true
  };
}

/** Returns what `open` returns, or `undefined` if it throws a {@link CleanRoomError}: the step of that document reports it. */
function openOrNothing<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if (isCleanRoomError(error)) return undefined;
    throw error;
  }
}

/** Collects the findings of the steps. */
class Report {
  readonly #findings = new Map<ReceiptStepId, Finding>();

  /** Runs a step that opens a document. Returns the document, or `undefined` if the step failed. */
  open<T>(id: ReceiptStepId, open: () => T): T | undefined {
    let value: T | undefined;
    this.run(id, () => {
      value = open();
      return findingPass('Its form, digests and signatures are correct.');
    });
    return value;
  }

  /** Runs a step. If it throws a {@link CleanRoomError}, the step has failed. */
  run(id: ReceiptStepId, check: () => Finding): void {
    try {
      this.#findings.set(id, check());
    } catch (error) {
      if (!isCleanRoomError(error)) throw error;
      this.#findings.set(id, { status: 'fail', detail: error.message });
    }
  }

  /** Returns the result. Steps that did not run are `not-reached`. */
  finish(
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
    return { steps, outcome, summary: summarize(outcome, marks), marks, ...rest };
  }
}

function summarize(outcome: ReceiptAppraisal['outcome'], marks: ReceiptMarks): string {
  const suffix =
    (marks.simulated ? ' SIMULATED: no hardware protected this run.' : '') +
    (marks.otherRoot === undefined
      ? ''
      : ` OTHER ROOT: ${marks.otherRoot} vouches for the machine, not Google.`);
  switch (outcome) {
    case 'verified':
      return `Verified. The time is not independently proven.${suffix}`;
    case 'consistent':
      return `Consistent, but not all signers are known.${suffix}`;
    case 'failed':
      return 'Not verified: do not rely on this result.';
  }
}
