import type { ReceiptAppraisal, TrustRoots } from '@clean-room/protocol/receipts';
import { ProblemError } from '../api/problem.js';

export type { ReceiptStep, ReceiptStepStatus, ReceiptAppraisal } from '@clean-room/protocol/receipts';

/**
 * Verifies a receipt here in the browser, with nothing but its bytes and the roots that the person believes. The
 * protocol's checks are loaded with the first call.
 * @throws Problem where the browser has no WebCrypto, as on pages that came over plain http from another machine
 */
export async function verifyHere(
  receipt: Uint8Array,
  trust: TrustRoots | undefined
): Promise<ReceiptAppraisal> {
  if (globalThis.crypto?.subtle === undefined) {
    throw new ProblemError(
      'unavailable',
      'This browser can’t check signatures on a page that came over plain http.',
      'Open JupyterLab over https or on this machine, or run “clean-room verify” on the saved receipt.'
    );
  }
  const { verifyReceipt } = await import('@clean-room/protocol/receipts');
  return verifyReceipt(receipt, trust === undefined ? {} : { trust });
}
