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
 * Verifies the statement that the release key signed about the kernel image. It must be about the spec's kernel image,
 * and its signer must be named in every policy. A development image is accepted only if every policy names the
 * simulator. A job without assets has no policies and thus no signers, so only the subject of the statement is checked.
 *
 * @throws CleanRoomError `digest-mismatch`, `policy-refused`
 */
export function verifyKernelImage(spec: Spec, envelope: Envelope, policies: readonly Policy[]): void {
  const { value } = KernelImageStatement.peek(envelope);
  if (value.digest !== spec.kernelImage) {
    throw new CleanRoomError(
      'digest-mismatch',
      'The job contains a statement about another kernel image than the spec names.'
    );
  }
  if (value.accelerator !== spec.compute.accelerator) {
    throw new CleanRoomError(
      'policy-refused',
      'The kernel image is for another accelerator than the spec requests.'
    );
  }
  for (const policy of policies) {
    if (!signedByOneOf(envelope, policy.kernelImages.signers)) {
      throw new CleanRoomError(
        'policy-refused',
        `The policy of ${policy.asset} does not name the signer of the kernel image.`
      );
    }
  }
  if (value.development && !allAcceptSimulator(policies)) {
    throw new CleanRoomError(
      'policy-refused',
      'A development kernel image runs only if every policy names the simulator.'
    );
  }
}
