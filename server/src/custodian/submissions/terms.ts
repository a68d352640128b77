import type { Digest } from '@clean-room/protocol/bytes';
import type { PublicKey, ReadDocument } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { requireKernelImage, requireNotRevoked } from '@clean-room/protocol/kernel-images';
import type { Collaboration } from '@clean-room/protocol/parties';
import { requireTerms } from '@clean-room/protocol/policies';
import { routes } from '@clean-room/api/coordinator';
import type { CustodianContext } from '../context.js';
import type { ProvisionedAsset } from '../datasets/registry.js';

/** The facts about a submission that this provider's policies are evaluated against. */
export interface RequestedUse {
  readonly collaboration: Pick<ReadDocument<Collaboration>, 'value' | 'digest'>;
  /** The root key of the submitter's party. */
  readonly party: PublicKey;
  readonly purpose: string;
  /** The digest of the kernel image. */
  readonly kernelImage: Digest;
  /** This provider's assets. */
  readonly assets: readonly ProvisionedAsset[];
}

/**
 * Checks that a release key of each policy has signed the kernel image and none has revoked it. Development images are
 * accepted only for data that is sealed for simulation.
 */
async function requireAcceptedKernelImage(
  { coordinator, revocations }: CustodianContext,
  { kernelImage, assets }: RequestedUse
): Promise<void> {
  const { items } = await coordinator.call(routes.listKernelImages, {});
  const published = items.find(({ digest }) => digest === kernelImage);
  if (published === undefined) {
    throw new CleanRoomError(
      'policy-refused',
      'The coordinator has no signed statement about the kernel image.',
      {
        remedy: 'Ask for a submission on a signed kernel image.'
      }
    );
  }
  requireKernelImage(
    published.statement,
    kernelImage,
    assets.map(({ version, policy }) => ({ version: version.value, policy: policy.value }))
  );
  for (const { policy } of assets) {
    requireNotRevoked(await revocations.lists(), kernelImage, policy.value.kernelImages.signers);
  }
}

/**
 * Checks that every policy of this provider allows the requested use, as far as that is known before a run.
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
  await requireAcceptedKernelImage(context, use);
}
