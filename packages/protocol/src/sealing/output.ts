import { digestOf, type Digest } from '../bytes/digest.js';
import type { Recipient } from '../documents/keys.js';
import { openWith, openWithFileKey, sealTo } from './age.js';
import { padContent, unpadContent } from './padding.js';

export interface SealedOutput {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
}

/**
 * Seals one output to the recipients and, from the inside out, once more to each reviewing custodian: until every one of
 * them has taken off its layer with an output release, the recipients hold bytes they can't open.
 */
export async function sealOutput(
  content: Uint8Array,
  recipients: readonly Recipient[],
  reviewers: readonly Recipient[]
): Promise<SealedOutput> {
  let bytes = await sealTo(recipients, padContent(content, crypto.getRandomValues(new Uint8Array(32))));
  for (const reviewer of reviewers) bytes = await sealTo([reviewer], bytes);
  return { bytes, digest: digestOf(bytes) };
}

/** The inverse of {@link sealOutput}: layers come off in the opposite order, then the recipient's identity opens. */
export async function openOutput(
  sealed: Uint8Array,
  identity: string,
  layerKeys: readonly Uint8Array[]
): Promise<Uint8Array> {
  let bytes = sealed;
  for (const fileKey of layerKeys) bytes = await openWithFileKey(fileKey, bytes);
  return unpadContent(await openWith(identity, bytes));
}
