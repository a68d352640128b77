import type { RunStatement } from '../runs/run-statement.js';
import type { TokenAppraisal } from '../attestation/steps.js';

/**
 * The steps of verifying a receipt, in order, with their titles. The first five read the documents, and each of them needs the
 * previous one. The steps from `submitter` on check the documents independently of each other, so that a report names
 * everything that is wrong.
 */
export const RECEIPT_STEPS = {
  format: 'The receipt is readable',
  statement: 'The run statement is readable',
  spec: 'The run statement is about this spec',
  collaboration: 'Every party signed the collaboration',
  assets: 'The datasets and policies are those of the spec, signed by their custodians',
  submitter: 'A researcher of a member party submitted this program',
  parties: 'The parties are among your trust roots',
  approvals: 'Every provider approved exactly this program, spec and data',
  terms: 'Every policy allows the purpose, the party and the kernel image',
  'kernel-image': 'The kernel image is signed by a key that the policies accept',
  image: 'The image is the kernel image and exactly one more layer',
  token: 'A TEE attests to this run statement and this image',
  'tee-rule': 'The TEE satisfies the rule of every policy',
  'key-releases': 'Each custodian released its keys to this attempt',
  'output-releases': 'Each reviewing custodian released these outputs',
  time: 'Time of the run'
} as const;

/** The name of a step of {@link RECEIPT_STEPS}. */
export type ReceiptStepId = keyof typeof RECEIPT_STEPS;

/**
 * The result of a step. `unknown`: the documents are consistent, but their signer is not among the verifier's trust roots.
 * `not-proved`: nothing contradicts it, but nothing proves it. `not-asked`: the run has nothing of this kind. `not-reached`: an
 * earlier step failed.
 */
export type ReceiptStepStatus = 'pass' | 'fail' | 'unknown' | 'not-proved' | 'not-asked' | 'not-reached';

/** A step of verifying a receipt, with its result. */
export interface ReceiptStep {
  readonly id: ReceiptStepId;
  readonly title: string;
  readonly status: ReceiptStepStatus;
  /** The finding, in one sentence. */
  readonly detail: string;
}

/** Limits of what a receipt proves. A screen that shows a result must show these next to it, equally visible. */
export interface ReceiptMarks {
  /** The run had no protection by hardware. */
  readonly simulated: boolean;
  /** The owner of the token's hardware root, unless it is Google. */
  readonly otherRoot?: string;
  /** The providers whose custodian runs on the coordinator's host. */
  readonly coHosted: readonly string[];
  /** The providers whose approval was given without a passkey. */
  readonly unattended: readonly string[];
  /** The parties whose Jupyter host is run by the operator. */
  readonly operatorHosted: readonly string[];
  /** The kernel image is signed by a key that was made on the same machine. */
  readonly developmentKernelImage: boolean;
}

/** The result of verifying a receipt. */
export interface ReceiptAppraisal {
  /** Every step of {@link RECEIPT_STEPS}, in order. */
  readonly steps: readonly ReceiptStep[];
  /** `verified`: no step failed and all signers are trusted; the time may be `not-proved`. `consistent`: no step failed, but some signers are not among the trust roots. */
  readonly outcome: 'verified' | 'consistent' | 'failed';
  /** The outcome, in one or two sentences for people. */
  readonly summary: string;
  readonly marks: ReceiptMarks;
  /** The run statement, if it could be read. Rely on it only if the outcome is `verified`. */
  readonly statement?: RunStatement;
  readonly token?: TokenAppraisal;
}

/** The result of one step, without its name. */
export interface Finding {
  readonly status: ReceiptStepStatus;
  readonly detail: string;
}

/** Returns the finding of a step that passed. */
export const findingPass = (detail: string): Finding => ({ status: 'pass', detail });
/** Returns the finding of a step that passed, except that the verifier does not trust the signer. */
export const findingUnknown = (detail: string): Finding => ({ status: 'unknown', detail });
/** Returns the finding of a step that has nothing to check in this run. */
export const findingNotAsked = (detail: string): Finding => ({ status: 'not-asked', detail });
