import { Type, type Static } from 'typebox';
import type { Digest } from '../bytes/digest.js';
import { defineDocument, type ReadDocument } from '../documents/document.js';
import type { Envelope } from '../documents/dsse.js';
import { Closed, DigestField, fromTimestamp, Timestamp, Title } from '../documents/fields.js';
import { PublicKey } from '../documents/keys.js';
import { CleanRoomError } from '../errors/index.js';

/** A kernel image that must not be used any more. */
const RevokedKernelImage = Closed({
  digest: DigestField,
  /** Runs that ended before this time remain valid. */
  revokedAt: Timestamp,
  reason: Title
});
export type RevokedKernelImage = Static<typeof RevokedKernelImage>;

/**
 * The kernel images that a release key has revoked. Signed by that key. Each version contains all entries of the version before
 * it, so that a revocation cannot be withdrawn or hidden.
 */
export const KernelImageRevocations = defineDocument(
  'kernel-image-revocations',
  1,
  Closed({
    format: Type.Literal('clean-room.kernel-image-revocations/v1'),
    /** The release key. Its revocations count wherever this key is trusted to sign kernel images. */
    signer: PublicKey,
    version: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
    /** In the order in which they were added. */
    entries: Type.Array(RevokedKernelImage, { maxItems: 10_000 })
  })
);
export type KernelImageRevocations = Static<typeof KernelImageRevocations.schema>;

/**
 * Opens a list of revocations. The key that it names must have signed it; the caller decides whether to trust this key.
 *
 * @throws CleanRoomError `signature-invalid`, or `malformed`, also for an image that is listed twice or a date that does not exist
 */
export function openRevocations(envelope: Envelope): ReadDocument<KernelImageRevocations> {
  const { signer } = KernelImageRevocations.peek(envelope).value;
  const list = KernelImageRevocations.open(envelope, signer);
  const { entries } = list.value;
  if (new Set(entries.map(({ digest }) => digest)).size !== entries.length) {
    throw new CleanRoomError('malformed', 'The list of revoked kernel images contains an image twice.');
  }
  for (const { revokedAt } of entries) fromTimestamp(revokedAt);
  return list;
}

/**
 * Checks that a list may replace the newest list of the same release key that was seen before. The same list may be presented
 * again.
 *
 * @throws CleanRoomError `conflict` for an older version, for another list with the same version, and for a list without an entry
 * of the known one
 */
export function requireLaterRevocations(
  known: ReadDocument<KernelImageRevocations>,
  next: ReadDocument<KernelImageRevocations>
): void {
  if (known.value.signer !== next.value.signer) {
    throw new CleanRoomError('conflict', 'The lists of revoked kernel images are of two release keys.');
  }
  if (known.digest === next.digest) return;
  const [before, after] = [known.value, next.value];
  const refused = (reason: string): CleanRoomError =>
    new CleanRoomError(
      'conflict',
      `The list of revoked kernel images is not accepted: ${reason}. The known list, version ${before.version}, stays in use.`,
      {
        remedy: 'Ask the owner of the release key for the newest list, and tell them what this list contains.'
      }
    );
  if (after.version < before.version) throw refused(`it is version ${after.version}, which is older`);
  if (after.version === before.version) throw refused('it has the same version but is another list');
  const lost = before.entries.find(
    entry =>
      !after.entries.some(
        ({ digest, revokedAt, reason }) =>
          digest === entry.digest && revokedAt === entry.revokedAt && reason === entry.reason
      )
  );
  if (lost !== undefined) throw refused(`it does not contain the known entry for ${lost.digest}`);
}

/**
 * Returns the earliest revocation of a kernel image by one of the release keys.
 *
 * @param signers - the release keys whose revocations count
 */
export function revocationOf(
  lists: readonly KernelImageRevocations[],
  digest: Digest,
  signers: readonly PublicKey[]
): RevokedKernelImage | undefined {
  return lists
    .filter(({ signer }) => signers.includes(signer))
    .flatMap(({ entries }) => entries.filter(entry => entry.digest === digest))
    .sort((a, b) => fromTimestamp(a.revokedAt).getTime() - fromTimestamp(b.revokedAt).getTime())[0];
}

/**
 * Checks that no release key of a policy has revoked a kernel image. The date of the revocation does not matter: nothing more
 * may be done with the image.
 *
 * @throws CleanRoomError `policy-refused`
 */
export function requireNotRevoked(
  lists: readonly KernelImageRevocations[],
  digest: Digest,
  signers: readonly PublicKey[]
): void {
  const revoked = revocationOf(lists, digest, signers);
  if (revoked === undefined) return;
  throw new CleanRoomError(
    'policy-refused',
    `The kernel image was revoked on ${revoked.revokedAt.slice(0, 10)}: ${revoked.reason}.`,
    { remedy: 'Submit the notebook again on a newer kernel image.' }
  );
}
