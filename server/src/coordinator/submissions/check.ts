import type { Kysely } from 'kysely';
import { asDigest, type Digest } from '@clean-room/protocol/bytes';
import { fromTimestamp, type Envelope, type ReadDocument } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { AssetVersion, providerOf } from '@clean-room/protocol/assets';
import { rootKeyOf, type Collaboration } from '@clean-room/protocol/parties';
import { Policy, requireTerms, strictestTerms } from '@clean-room/protocol/policies';
import type { RevisionImage } from '@clean-room/protocol/packaging';
import { openSubmissionRequest, readSpec, type Spec, type SpecAsset } from '@clean-room/protocol/submissions';
import type { PersonCaller } from '../access/caller.js';
import { custodianOf } from '../catalogue/assets.js';
import type { CoordinatorContext } from '../context.js';
import type { CoordinatorTables } from '../database/tables.js';
import { composeSubmissionImage } from '../images/compose.js';
import { withoutGrant } from '../objects/grants.js';
import { collaborationByDigest } from '../parties/collaborations.js';
import { newestRoster } from '../parties/rosters.js';
import { requireMachine } from './machine.js';

/** A submission that has passed every check and needs only to be written. */
export interface CheckedSubmission {
  readonly spec: ReadDocument<Spec>;
  readonly request: Envelope;
  readonly image: RevisionImage;
  readonly collaboration: Digest;
  /** Each provider that must decide, with the custodian key that the spec names. */
  readonly providers: ReadonlyMap<string, string>;
  readonly simulated: boolean;
  /** The earliest end of its policies and of its collaboration. */
  readonly expiresAt: Date;
}

function policyRefused(message: string, remedy: string): CleanRoomError {
  return new CleanRoomError('policy-refused', message, { remedy });
}

async function checkSubmitter(context: CoordinatorContext, caller: PersonCaller, spec: Spec): Promise<void> {
  const people = (await newestRoster(context.db, caller.party))?.people ?? [];
  if (!people.some(person => person.id === caller.person && person.keys.includes(spec.submitter))) {
    throw new CleanRoomError(
      'forbidden',
      'The submission is signed with a key that your party’s roster does not list for you.',
      {
        remedy: 'Sign with your own key, or ask your party to add this key to its roster.'
      }
    );
  }
  const listed = new Set(people.flatMap(person => person.recipients));
  if (!spec.recipients.every(recipient => listed.has(recipient))) {
    throw policyRefused(
      'A recipient of the outputs is not listed in your party’s roster.',
      'Choose recipients from your own party only.'
    );
  }
}

/** An asset of a spec, with its verified documents. */
interface OpenedAsset {
  readonly asset: SpecAsset;
  readonly version: ReadDocument<AssetVersion>;
  readonly policy: ReadDocument<Policy>;
}

async function openAsset(db: Kysely<CoordinatorTables>, asset: SpecAsset): Promise<OpenedAsset> {
  const found = await db
    .selectFrom('asset')
    .innerJoin('asset_version', join => join.on('asset_version.digest', '=', asset.version))
    .innerJoin('policy', join => join.on('policy.digest', '=', asset.policy))
    .select([
      'asset.policy_digest as currentPolicy',
      'asset.withdrawn_at as withdrawnAt',
      'asset_version.envelope as version',
      'policy.envelope as policy'
    ])
    .where('asset.name', '=', asset.name)
    .executeTakeFirst();
  if (found === undefined) {
    throw new CleanRoomError(
      'not-found',
      `This server does not know ${asset.name} in the version that the submission names.`,
      {
        remedy: 'Reload the dataset and submit again.'
      }
    );
  }
  if (found.withdrawnAt !== null) {
    throw policyRefused(
      `${asset.name} was withdrawn by its provider.`,
      'Ask the provider whether it will be available again.'
    );
  }
  if (found.currentPolicy !== asset.policy) {
    throw new CleanRoomError('conflict', `The policy of ${asset.name} has changed since you opened it.`, {
      remedy: 'Read the new policy, then submit again.'
    });
  }
  const opened = {
    asset,
    version: AssetVersion.open(found.version, asset.custodian),
    policy: Policy.open(found.policy, asset.custodian)
  };
  if (opened.version.value.name !== asset.name || opened.policy.value.asset !== asset.name) {
    throw new CleanRoomError('digest-mismatch', `The submission names another dataset as ${asset.name}.`);
  }
  return opened;
}

async function checkAssets(
  context: CoordinatorContext,
  caller: PersonCaller,
  spec: Spec,
  collaboration: ReadDocument<Collaboration>,
  at: Date
): Promise<OpenedAsset[]> {
  const { kernelImages, backend } = context.services;
  const kernelImage = kernelImages.get(spec.kernelImage);
  const opened: OpenedAsset[] = [];
  for (const asset of spec.assets) {
    const provider = providerOf(asset.name);
    rootKeyOf(collaboration.value, provider);
    const custodian = await custodianOf(context.db, provider);
    if (custodian.key !== asset.custodian) {
      throw new CleanRoomError(
        'conflict',
        `${provider} has changed its custodian since you opened the dataset.`,
        {
          remedy: 'Reload the dataset and submit again.'
        }
      );
    }
    const openedAsset = await openAsset(context.db, asset);
    requireTerms(openedAsset.policy.value, {
      collaboration,
      party: rootKeyOf(collaboration.value, caller.party),
      purpose: spec.purpose,
      kernelImage: spec.kernelImage,
      hosting: custodian.hosting,
      at
    });
    if (!openedAsset.policy.value.kernelImages.signers.includes(kernelImage.signer)) {
      throw policyRefused(
        `The policy of ${asset.name} does not trust the signer of the kernel image.`,
        'Submit with a kernel image that the policy trusts.'
      );
    }
    if (openedAsset.version.value.sealedFor !== backend.sealedFor) {
      throw policyRefused(
        `${asset.name} is sealed for ${openedAsset.version.value.sealedFor}, but this server runs ${backend.sealedFor}.`,
        `Ask ${provider} for a version that is sealed for ${backend.sealedFor}.`
      );
    }
    opened.push(openedAsset);
  }
  strictestTerms(opened.map(({ policy }) => policy.value));
  if (kernelImage.development && backend.sealedFor !== 'simulation') {
    throw policyRefused(
      'A development kernel image can run in the simulator only.',
      'Submit with a released kernel image.'
    );
  }
  if (spec.compute.accelerator !== kernelImage.accelerator) {
    throw policyRefused(
      `The kernel image ${kernelImage.name} does not support the requested accelerator.`,
      'Choose another kernel image or another accelerator.'
    );
  }
  return opened;
}

async function checkFiles(context: CoordinatorContext, party: string, spec: Spec): Promise<void> {
  // A digest is not a secret: knowing one must not give access to a file that another party has uploaded.
  const [missing] = await withoutGrant(
    context.db,
    spec.workspace.map(file => file.digest),
    party
  );
  if (missing === undefined) return;
  const file = spec.workspace.find(({ digest }) => digest === missing);
  throw new CleanRoomError('not-found', `The file "${file?.path ?? missing}" has not been uploaded.`, {
    remedy: 'Upload every file of the workspace, then submit again.'
  });
}

/**
 * Checks everything that is required before a revision is submitted: form, signer, members, signed assets and policies, terms
 * and files. Composes the image again, and compares its digest with the signed one.
 *
 * @throws CleanRoomError with a message that names the failed check, and a remedy
 */
export async function checkSubmission(
  context: CoordinatorContext,
  caller: PersonCaller,
  specBytes: Uint8Array,
  request: Envelope
): Promise<CheckedSubmission> {
  const at = new Date();
  const spec = readSpec(specBytes);
  await checkSubmitter(context, caller, spec.value);
  const collaboration = await collaborationByDigest(context.db, spec.value.collaboration);
  rootKeyOf(collaboration.value, caller.party);
  if (!collaboration.value.purposes.includes(spec.value.purpose)) {
    throw policyRefused(
      'The collaboration does not allow this purpose.',
      `Choose one of: ${collaboration.value.purposes.join('; ')}.`
    );
  }
  const opened = await checkAssets(context, caller, spec.value, collaboration, at);
  await checkFiles(context, caller.party, spec.value);
  const image = await composeSubmissionImage(context.services, spec);
  openSubmissionRequest(request, spec, image.imageDigest);
  requireMachine(
    context.services.backend.capabilities,
    opened.map(({ policy }) => policy.value),
    spec.value.compute,
    image.imageDigest
  );
  const expiresAt = [collaboration.value.ends, ...opened.map(({ policy }) => policy.value.validUntil)]
    .map(fromTimestamp)
    .reduce((first, other) => (other < first ? other : first));
  if (expiresAt <= at) {
    throw new CleanRoomError('expired', 'The collaboration has ended.', {
      remedy: 'Ask the parties to renew it.'
    });
  }
  return {
    spec,
    request,
    image,
    collaboration: asDigest(spec.value.collaboration),
    providers: new Map(spec.value.assets.map(asset => [providerOf(asset.name), asset.custodian])),
    simulated: context.services.backend.sealedFor === 'simulation',
    expiresAt
  };
}
