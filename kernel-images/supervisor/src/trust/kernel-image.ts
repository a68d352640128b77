import type { Envelope } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { requireKernelImage } from '@clean-room/protocol/kernel-images';
import type { Spec } from '@clean-room/protocol/submissions';
import type { TrustedAsset } from './documents.js';

/**
 * Verifies the statement that the release key signed about the kernel image. It must be about the spec's kernel image and
 * for the spec's accelerator, its signer must be named in every policy, and a development image never runs on data that is
 * sealed for hardware. A job without assets has no policies and thus no signers.
 *
 * @throws CleanRoomError `digest-mismatch`, `policy-refused`
 */
export function verifyKernelImage(spec: Spec, statement: Envelope, assets: readonly TrustedAsset[]): void {
  const { accelerator } = requireKernelImage(
    statement,
    spec.kernelImage,
    assets.map(({ version, policy }) => ({ version: version.value, policy: policy.value }))
  );
  if (accelerator !== spec.compute.accelerator) {
    throw new CleanRoomError(
      'policy-refused',
      'The kernel image is for another accelerator than the spec requests.'
    );
  }
}
