import type { Envelope } from '@clean-room/protocol/documents';
import { CleanRoomError, isCleanRoomError } from '@clean-room/protocol/errors';
import { KernelImageStatement } from '@clean-room/protocol/kernel-images';
import { requireTerms, type Policy } from '@clean-room/protocol/policies';
import { routes } from '@clean-room/api/coordinator';
import type { CustodianContext } from '../context.js';
import type { InspectedRevision } from './fetch.js';

function signedBy(
  statement: Envelope,
  signers: Policy['kernelImages']['signers']
): KernelImageStatement | undefined {
  for (const signer of signers) {
    try {
      return KernelImageStatement.open(statement, signer).value;
    } catch (error) {
      if (!isCleanRoomError(error, 'signature-invalid')) throw error;
    }
  }
  return undefined;
}

/** A release key that the policy names must have signed the kernel image; a development one is for simulation alone. */
async function requireSignedKernelImage(
  context: CustodianContext,
  { spec, assets }: InspectedRevision
): Promise<void> {
  const { items } = await context.coordinator.call(routes.listKernelImages, {});
  const shown = items.find(({ digest }) => digest === spec.value.kernelImage);
  for (const { policy, version } of assets) {
    const statement = shown && signedBy(shown.statement, policy.value.kernelImages.signers);
    if (statement?.digest !== spec.value.kernelImage) {
      throw new CleanRoomError(
        'policy-refused',
        `No release key that the policy of ${policy.value.asset} names has signed the kernel image.`,
        {
          remedy: 'Ask for a submission on a signed kernel image.'
        }
      );
    }
    if (statement.development && version.value.sealedFor !== 'simulation') {
      throw new CleanRoomError('policy-refused', 'A development kernel image is for simulated data alone.');
    }
  }
}

/** Whether every policy of this provider allows what is asked, as far as it can be told before a run. */
export async function requireAllowed(context: CustodianContext, inspected: InspectedRevision): Promise<void> {
  for (const { policy } of inspected.assets) {
    requireTerms(policy.value, {
      collaboration: inspected.collaboration.value,
      party: inspected.submitter.roster.rootKey,
      purpose: inspected.spec.value.purpose,
      kernelImage: inspected.spec.value.kernelImage,
      hosting: context.config.hosting,
      at: context.now()
    });
  }
  await requireSignedKernelImage(context, inspected);
}
