import type { RunStatement } from '../runs/run-statement.js';
import type { TokenAppraisal } from '../attestation/steps.js';

/**
 * Every step of verifying a receipt, in order. The first ones open what was signed; each needs the one before. The steps
 * from `submitter` on judge, each by itself, so that all that is wrong is named at once.
 */
export const RECEIPT_STEPS = {
  format: 'The receipt can be read',
  statement: 'The run statement can be read',
  spec: 'The run statement is about this spec',
  collaboration: 'Every party has signed the collaboration',
  assets: 'The datasets and policies are those of the spec, signed by their custodians',
  submitter: 'A researcher of a member party asked for this program',
  parties: 'The parties are the ones you know',
  approvals: 'Every provider approved exactly this program, spec and data',
  terms: 'Every policy allows the purpose, the party and the kernel image',
  'kernel-image': 'The kernel image is signed by a key the policies name',
  image: 'The image is the kernel image, the notebook and nothing else',
  token: 'A TEE vouches for this run statement and this image',
  'tee-rule': 'The TEE is one that every provider accepts',
  'key-releases': 'Each custodian gave its keys to this attempt',
  'output-releases': 'Each reviewing custodian let these outputs go',
  time: 'The time is proven by the log'
} as const;

export type ReceiptStepId = keyof typeof RECEIPT_STEPS;

/**
 * `unknown`: it holds in itself, but rests on signers that the verifier was not told to trust. `not-proved`: nothing
 * speaks against it, nothing proves it. `not-asked`: there is nothing of the kind in this run. `not-reached`: an earlier
 * step failed.
 */
export type ReceiptStepStatus = 'pass' | 'fail' | 'unknown' | 'not-proved' | 'not-asked' | 'not-reached';

export interface ReceiptStep {
  readonly id: ReceiptStepId;
  readonly title: string;
  readonly status: ReceiptStepStatus;
  /** What was found, in one sentence. */
  readonly detail: string;
}

/** What a reader must see beside the result, in no smaller letters. */
export interface ReceiptMarks {
  readonly simulated: boolean;
  /** Providers whose custodian shares a host with the coordinator. */
  readonly coHosted: readonly string[];
  /** Providers whose approval was given without a passkey. */
  readonly unattended: readonly string[];
  /** Parties whose Jupyter host the operator runs. */
  readonly operatorHosted: readonly string[];
  /** The kernel image is signed by a key made on the machine itself. */
  readonly developmentKernelImage: boolean;
}

export interface ReceiptAppraisal {
  readonly steps: readonly ReceiptStep[];
  /** `verified`: all that was asked holds. `consistent`: it holds, but signers are unknown. */
  readonly outcome: 'verified' | 'consistent' | 'failed';
  /** One sentence for people. */
  readonly summary: string;
  readonly marks: ReceiptMarks;
  /** Present once the run statement could be read. Worth believing only with the outcome `verified`. */
  readonly statement?: RunStatement;
  readonly token?: TokenAppraisal;
}

/** What one step found. */
export interface Finding {
  readonly status: ReceiptStepStatus;
  readonly detail: string;
}

export const findingPass = (detail: string): Finding => ({ status: 'pass', detail });
export const findingUnknown = (detail: string): Finding => ({ status: 'unknown', detail });
export const findingNotAsked = (detail: string): Finding => ({ status: 'not-asked', detail });
