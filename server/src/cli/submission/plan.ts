import { CleanRoomError } from '@clean-room/protocol/errors';
import { requireTerms } from '@clean-room/protocol/policies';
import type { TrustRoots } from '@clean-room/protocol/receipts';
import type { Compute } from '@clean-room/protocol/submissions';
import type {
  CataloguedAsset,
  CataloguedCollaboration,
  CataloguedKernelImage
} from '../catalogue/catalogue.js';
import type { PersonKeys } from '../home/identity.js';
import type { LockedNotebook } from './lock.js';

/** What a person asks for. */
export interface SubmissionOptions {
  readonly datasets: readonly string[];
  readonly purpose: string;
  readonly parameters: string;
  readonly files: readonly string[];
  readonly compute: Partial<Compute>;
  readonly kernelImage?: string;
  readonly party: string | undefined;
}

export interface Catalogue {
  readonly collaborations: readonly CataloguedCollaboration[];
  readonly kernelImages: readonly CataloguedKernelImage[];
  readonly trust: TrustRoots;
}

const DEFAULT_COMPUTE: Compute = { processors: 2, memoryBytes: 4 * 1024 ** 3, accelerator: 'none' };

function chooseCollaboration(
  { collaborations }: Catalogue,
  wish: SubmissionOptions
): CataloguedCollaboration {
  const fitting = collaborations.filter(({ collaboration: { value }, assets }) => {
    const member = wish.party === undefined || value.members.some(({ party }) => party === wish.party);
    return member && wish.datasets.every(name => assets.has(name));
  });
  const chosen = fitting.find(({ collaboration }) => collaboration.value.purposes.includes(wish.purpose));
  if (chosen !== undefined) return chosen;
  const purposes = [...new Set(fitting.flatMap(({ collaboration }) => collaboration.value.purposes))];
  if (fitting.length > 0) {
    throw new CleanRoomError(
      'policy-refused',
      `"${wish.purpose}" is not a purpose your collaboration has agreed on.`,
      {
        remedy: `Choose one of: ${purposes.join('; ')}.`
      }
    );
  }
  const known = [...new Set(collaborations.flatMap(({ assets }) => [...assets.keys()]))];
  throw new CleanRoomError(
    'not-found',
    `No collaboration of yours has ${wish.datasets.join(' and ') || 'agreed on anything'}.`,
    {
      remedy:
        known.length === 0
          ? 'Compare your trust roots with the parties’ root keys.'
          : `There is: ${known.join(', ')}.`
    }
  );
}

function chooseKernelImage(
  { kernelImages }: Catalogue,
  wish: SubmissionOptions,
  assets: readonly CataloguedAsset[]
): CataloguedKernelImage {
  const allowed = kernelImages.filter(({ digest, signer }) =>
    assets.every(
      ({ policy: { value } }) =>
        value.kernelImages.digests.includes(digest) && value.kernelImages.signers.includes(signer)
    )
  );
  const named = wish.kernelImage;
  const chosen =
    named === undefined ? allowed[0] : allowed.find(({ name, digest }) => name === named || digest === named);
  if (chosen !== undefined) return chosen;
  throw new CleanRoomError(
    'policy-refused',
    'No kernel image is signed by a key you trust and allowed by every policy.',
    {
      remedy: 'Ask the providers to allow the kernel images of this clean room, or update it.'
    }
  );
}

function requireSubmitter(
  { rosters }: CataloguedCollaboration,
  keys: PersonKeys
): { party: string; rootKey: string } {
  for (const roster of rosters.values()) {
    const person = roster.people.find(candidate => candidate.keys.includes(keys.signing.publicKey));
    if (person?.roles.includes('researcher') === true) return roster;
  }
  throw new CleanRoomError('forbidden', 'No roster of the collaboration lists your key as a researcher’s.', {
    remedy: 'Give what "clean-room identity" prints to whoever keeps your party’s roster.'
  });
}

/**
 * All of a spec but its files: what was asked for, pinned to what was signed. Whatever a policy refuses is refused here,
 * before anything leaves this machine.
 * @throws CleanRoomError `policy-refused`, `not-found`, `forbidden`, `expired`
 */
export function planSubmission(
  catalogue: Catalogue,
  wish: SubmissionOptions,
  keys: PersonKeys,
  at: Date
): {
  readonly locked: LockedNotebook;
  readonly kernelImage: CataloguedKernelImage;
} {
  const chosen = chooseCollaboration(catalogue, wish);
  const assets = wish.datasets.flatMap(name => chosen.assets.get(name) ?? []);
  const kernelImage = chooseKernelImage(catalogue, wish, assets);
  const { rootKey } = requireSubmitter(chosen, keys);
  for (const { policy, custodian } of assets) {
    requireTerms(policy.value, {
      collaboration: chosen.collaboration.value,
      party: rootKey,
      purpose: wish.purpose,
      kernelImage: kernelImage.digest,
      hosting: custodian.hosting,
      at
    });
  }
  const memory = Math.min(
    DEFAULT_COMPUTE.memoryBytes,
    ...assets.map(({ policy }) => policy.value.run.memoryBytes)
  );
  const locked: LockedNotebook = {
    collaboration: chosen.collaboration.digest,
    purpose: wish.purpose,
    kernelImage: kernelImage.digest,
    parameters: wish.parameters,
    assets: assets.map(({ version, policy, custodian }) => ({
      name: version.value.name,
      version: version.digest,
      policy: policy.digest,
      custodian: custodian.key
    })),
    submitter: keys.signing.publicKey,
    recipients: [keys.recipient],
    compute: { ...DEFAULT_COMPUTE, memoryBytes: memory, ...wish.compute },
    files: [...wish.files].sort()
  };
  return { locked, kernelImage };
}
