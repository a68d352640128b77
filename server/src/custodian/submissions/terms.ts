import type { Digest } from '@clean-room/protocol/bytes';
import type { Envelope, PublicKey } from '@clean-room/protocol/documents';
import { CleanRoomError, isCleanRoomError } from '@clean-room/protocol/errors';
import { KernelImageStatement } from '@clean-room/protocol/kernel-images';
import type { Collaboration } from '@clean-room/protocol/parties';
import { requireTerms, type Policy } from '@clean-room/protocol/policies';
import { routes } from '@clean-room/api/coordinator';
import type { CustodianContext } from '../context.js';
import type { ProvisionedAsset } from '../datasets/registry.js';

/** The facts about a submission that this provider's policies are evaluated against. */
export interface RequestedUse {
  readonly collaboration: Collaboration;
  /** The root key of the submitter's party. */
  readonly party: PublicKey;
  readonly purpose: string;
  /** The digest of the kernel image. */
  readonly kernelImage: Digest;
  /** This provider's assets. */
  readonly assets: readonly ProvisionedAsset[];
}

/** Opens a kernel image's statement with a release key of the policy. Returns undefined when none of them has signed it. */
function openStatement(
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

/** Checks that a release key of each policy has signed the kernel image. Development images are only for simulation. */
async function requireSignedKernelImage(
  { coordinator }: CustodianContext,
  { kernelImage, assets }: RequestedUse
): Promise<void> {
  const { items } = await coordinator.call(routes.listKernelImages, {});
  const published = items.find(({ digest }) => digest === kernelImage);
  for (const { policy, version } of assets) {
    const statement = published && openStatement(published.statement, policy.value.kernelImages.signers);
    if (statement?.digest !== kernelImage) {
      throw new CleanRoomError(
        'policy-refused',
        `The kernel image is not signed by a release key that the policy of ${policy.value.asset} names.`,
        { remedy: 'Ask for a submission on a signed kernel image.' }
      );
    }
    if (statement.development && version.value.sealedFor !== 'simulation') {
      throw new CleanRoomError(
        'policy-refused',
        'A development kernel image can only be used with data that is sealed for simulation.'
      );
    }
  }
}

/**
 * Checks that every policy of this provider allows the requested use. Terms that depend on a run are checked later.
 * @throws CleanRoomError `policy-refused`, `expired`
 */
export async function requireAllowedUse(context: CustodianContext, use: RequestedUse): Promise<void> {
  const { collaboration, party, purpose, kernelImage, assets } = use;
  for (const { policy } of assets) {
    requireTerms(policy.value, {
      collaboration,
      party,
      purpose,
      kernelImage,
      hosting: context.config.hosting,
      at: context.now()
    });
  }
  await requireSignedKernelImage(context, use);
}
