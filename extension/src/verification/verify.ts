import type { Receipt, ReceiptAppraisal, TrustRoots } from '@clean-room/protocol/receipts';
import { looksLikeCleanRoomError, ProblemError } from '../api/problem.js';

/** An approval as a receipt contains it. */
export interface ApprovalFact {
  /** The title of the provider. */
  readonly provider: string;
  /** The name of the person who approved. */
  readonly reviewer: string;
  readonly approvedAt: string;
  /** Whether it was given without a passkey. */
  readonly unattended: boolean;
}

/** The facts that a receipt states, for people. Only the appraisal says whether they are proven. */
export interface ReceiptFacts {
  /** The path of the notebook. */
  readonly notebook: string;
  readonly purpose: string;
  readonly datasets: readonly { readonly name: string; readonly version: number }[];
  readonly approvals: readonly ApprovalFact[];
  /** The hardware model as the attestation token names it. */
  readonly hardware?: string;
  readonly endedAt: string;
  readonly outputs: { readonly returned: number; readonly held: number; readonly suppressed: number };
}

/** A receipt after verification. */
export interface VerifiedReceipt {
  readonly appraisal: ReceiptAppraisal;
  /** Undefined when the receipt cannot be read. */
  readonly facts?: ReceiptFacts;
}

/**
 * Verifies a receipt in the browser, using only its bytes and the trust roots that the person configured. The
 * protocol's checks are loaded with the first call.
 *
 * @param trust - the person's trust roots; without them all signers are unknown
 * @throws ProblemError when the browser has no WebCrypto, as on pages that were loaded over http from another computer
 */
export async function verifyInBrowser(
  bytes: Uint8Array,
  trust: TrustRoots | undefined
): Promise<VerifiedReceipt> {
  if (!hasWebCrypto()) {
    throw new ProblemError(
      'unavailable',
      'The browser cannot verify signatures, because this page was loaded over http.',
      'Open JupyterLab over https or on this computer, or run “clean-room verify” on the saved receipt.'
    );
  }
  const { verifyReceipt } = await import('@clean-room/protocol/receipts');
  const appraisal = await verifyReceipt(bytes, trust === undefined ? {} : { trust });
  try {
    return { appraisal, facts: await readFacts(bytes, appraisal) };
  } catch (error) {
    if (looksLikeCleanRoomError(error)) return { appraisal };
    throw error;
  }
}

function hasWebCrypto(): boolean {
  const { crypto } = globalThis as { crypto?: { subtle?: unknown } };
  return crypto?.subtle !== undefined;
}

/** Reads the facts from a receipt; undefined when the checks could not open it. */
async function readFacts(
  bytes: Uint8Array,
  { steps, statement, token }: ReceiptAppraisal
): Promise<ReceiptFacts | undefined> {
  const isOpen = steps.some(({ id, status }) => id === 'assets' && status === 'pass');
  if (statement === undefined || !isOpen) return undefined;
  const [{ Approval }, { AssetVersion }, { fromBase64 }, { Collaboration, Roster }, { readSpec }] =
    await Promise.all([
      import('@clean-room/protocol/approvals'),
      import('@clean-room/protocol/assets'),
      import('@clean-room/protocol/bytes'),
      import('@clean-room/protocol/parties'),
      import('@clean-room/protocol/submissions')
    ]);
  const receipt = JSON.parse(new TextDecoder().decode(bytes)) as Receipt;
  const spec = readSpec(fromBase64(receipt.spec)).value;
  const { members } = Collaboration.peek(receipt.collaboration).value;
  const approvals = receipt.approvals.map(({ envelope, roster }): ApprovalFact => {
    const { provider, reviewer, approvedAt, unattended } = Approval.peek(envelope).value;
    const person = Roster.peek(roster).value.people.find(({ id }) => id === reviewer);
    return {
      provider: members.find(({ party }) => party === provider)?.title ?? provider,
      reviewer: person?.name ?? reviewer,
      approvedAt,
      unattended
    };
  });
  const { cells, endedAt } = statement.predicate;
  const verdicts = cells.flatMap(({ outputs }) => outputs.map(({ verdict }) => verdict));
  const count = (kind: string): number => verdicts.filter(verdict => verdict === kind).length;
  const [held, suppressed] = [count('held'), count('suppressed')];
  return {
    notebook: spec.notebook,
    purpose: spec.purpose,
    datasets: receipt.assets.map(({ version }) => AssetVersion.peek(version).value),
    approvals,
    hardware: token?.claims?.hwmodel,
    endedAt,
    outputs: { returned: verdicts.length - held - suppressed, held, suppressed }
  };
}
