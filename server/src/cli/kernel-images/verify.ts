import type { LayoutStore } from '@clean-room/oci';
import type { Envelope, PublicKey } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import {
  KernelImageStatement,
  releaseKeyOf,
  requireKnownRoots,
  requireNotRevoked,
  type KernelImageRevocations
} from '@clean-room/protocol/kernel-images';
import { readManifest } from '@clean-room/protocol/packaging';
import type { ImageFolder } from './image-folder.js';

/** A statement whose signature, digest and bill of materials were verified. */
export interface VerifiedStatement {
  readonly value: KernelImageStatement;
  readonly signer: PublicKey;
}

/**
 * Verifies that a release key has signed a kernel image and its bill of materials, and that none has revoked it.
 *
 * @param releaseKeys - the keys that are trusted to sign kernel images
 * @throws CleanRoomError `signature-invalid`, `digest-mismatch`, `policy-refused` for a revoked image or one of a build for tests
 */
export function verifyStatement(
  image: ImageFolder,
  statement: Envelope,
  releaseKeys: readonly PublicKey[],
  revocations: readonly KernelImageRevocations[]
): VerifiedStatement {
  const signer = releaseKeyOf(statement, releaseKeys);
  if (signer === undefined) {
    const claimed = statement.signatures.map(({ keyid }) => keyid).join(', ');
    throw new CleanRoomError(
      'signature-invalid',
      `The kernel image is signed by ${claimed}, which you do not trust.`,
      {
        remedy:
          'Compare this key with the one that the release announces, and add it to your trust roots or name it with --signer.'
      }
    );
  }
  const { value } = KernelImageStatement.open(statement, signer);
  if (value.digest !== image.digest) {
    throw new CleanRoomError('digest-mismatch', 'The signed statement is about another kernel image.');
  }
  if (value.sbom?.digest !== image.sbom.named.digest) {
    throw new CleanRoomError(
      'digest-mismatch',
      'The signed statement names another bill of materials than sbom.json.'
    );
  }
  requireKnownRoots(value);
  requireNotRevoked(revocations, image.digest, releaseKeys);
  return { value, signer };
}

/**
 * Checks that a layout folder contains the image with all its layers, by reading every byte.
 *
 * @throws CleanRoomError `image-unknown`, `digest-mismatch`
 */
export async function verifyLayers(store: LayoutStore, { digest }: ImageFolder): Promise<number> {
  const { config, layers } = readManifest(await store.readManifest(digest)).value;
  let size = 0;
  for (const blob of [config, ...layers]) {
    // `readBlob` compares the digest when the last chunk was read.
    for await (const chunk of store.readBlob(blob.digest)) size += chunk.length;
  }
  return size;
}
