import type { Envelope } from '@clean-room/protocol/documents';
import { CleanRoomError, isCleanRoomError } from '@clean-room/protocol/errors';
import { KernelImageStatement } from '@clean-room/protocol/kernel-images';
import { allAcceptSimulator, type Policy } from '@clean-room/protocol/policies';
import type { Spec } from '@clean-room/protocol/submissions';

function signedByOneOf(envelope: Envelope, signers: readonly string[]): boolean {
  return signers.some(signer => {
    try {
      KernelImageStatement.open(envelope, signer);
      return true;
    } catch (error) {
      if (isCleanRoomError(error, 'signature-invalid')) return false;
      throw error;
    }
  });
}

/**
 * The release key's word on the kernel image, for every policy: it is about the spec's kernel image, by a signer that
 * the policy names, and a development image is used only where every policy names the simulator. Without policies
 * nobody's data is at stake and nobody names a signer; only what it is about is checked.
 * @throws CleanRoomError `digest-mismatch`, `policy-refused`
 */
export function trustKernelImage(spec: Spec, envelope: Envelope, policies: readonly Policy[]): void {
  const { value } = KernelImageStatement.peek(envelope);
  if (value.digest !== spec.kernelImage) {
    throw new CleanRoomError('digest-mismatch', 'The job brings a statement on another kernel image.');
  }
  if (value.accelerator !== spec.compute.accelerator) {
    throw new CleanRoomError(
      'policy-refused',
      'The kernel image is for another kind of compute than the spec asks for.'
    );
  }
  for (const policy of policies) {
    if (!signedByOneOf(envelope, policy.kernelImages.signers)) {
      throw new CleanRoomError(
        'policy-refused',
        `The policy of ${policy.asset} does not know who signed the kernel image.`
      );
    }
  }
  if (value.development && !allAcceptSimulator(policies)) {
    throw new CleanRoomError(
      'policy-refused',
      'A development kernel image runs only where policies name the simulator.'
    );
  }
}
