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

/** A submission that has passed every check and needs only to be written. */
export interface CheckedSubmission {
  readonly spec: ReadDocument<Spec>;
  readonly request: Envelope;
  readonly image: RevisionImage;
  readonly collaboration: Digest;
  /** Each provider that must decide, with the custodian key that the spec names. */
  readonly providers: ReadonlyMap<string, string>;
  readonly simulated: boolean;
  /** When its permission ends by itself. */
  readonly ends: Date;
}

function refuse(message: string, remedy: string): never {
  throw new CleanRoomError('policy-refused', message, { remedy });
}

async function checkSubmitter(context: CoordinatorContext, caller: PersonCaller, spec: Spec): Promise<void> {
  const people = (await newestRoster(context.db, caller.party))?.people ?? [];
  if (!people.some(person => person.id === caller.person && person.keys.includes(spec.submitter))) {
    throw new CleanRoomError(
      'forbidden',
      'The key that signed is not one that your party’s roster lists for you.',
      {
        remedy: 'Sign with your own key, or ask your party to list it.'
      }
    );
  }
  const listed = new Set(people.flatMap(person => person.recipients));
  if (!spec.recipients.every(recipient => listed.has(recipient))) {
    refuse(
      'Somebody is to open the outputs who is not in your party’s roster.',
      'Name recipients of your own party only.'
    );
  }
}

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
      'asset.policy as currentPolicy',
      'asset_version.envelope as version',
      'policy.envelope as policy'
    ])
    .where('asset.name', '=', asset.name)
    .executeTakeFirst();
  if (found === undefined) {
    throw new CleanRoomError(
      'not-found',
      `${asset.name} is not known here in the version that the spec names.`,
      {
        remedy: 'Look the dataset up anew and submit again.'
      }
    );
  }
  if (found.currentPolicy !== asset.policy) {
    throw new CleanRoomError('conflict', `The policy of ${asset.name} has changed meanwhile.`, {
      remedy: 'Read the new policy, and submit again.'
    });
  }
  const opened = {
    asset,
    version: AssetVersion.open(found.version, asset.custodian),
    policy: Policy.open(found.policy, asset.custodian)
  };
  if (opened.version.value.name !== asset.name || opened.policy.value.asset !== asset.name) {
    throw new CleanRoomError('digest-mismatch', `The spec gives another dataset out as ${asset.name}.`);
  }
  return opened;
}

async function checkAssets(
  context: CoordinatorContext,
  caller: PersonCaller,
  spec: Spec,
  collaboration: Collaboration,
  at: Date
): Promise<OpenedAsset[]> {
  const { kernelImages, backend } = context.services;
  const kernelImage = kernelImages.get(spec.kernelImage);
  const opened: OpenedAsset[] = [];
  for (const asset of spec.assets) {
    const provider = providerOf(asset.name);
    rootKeyOf(collaboration, provider);
    const custodian = await custodianOf(context.db, provider);
    if (custodian.key !== asset.custodian) {
      throw new CleanRoomError('conflict', `${provider} has another custodian now than the spec names.`, {
        remedy: 'Look the dataset up anew and submit again.'
      });
    }
    const one = await openAsset(context.db, asset);
    requireTerms(one.policy.value, {
      collaboration,
      party: rootKeyOf(collaboration, caller.party),
      purpose: spec.purpose,
      kernelImage: spec.kernelImage,
      hosting: custodian.hosting,
      at
    });
    if (!one.policy.value.kernelImages.signers.includes(kernelImage.signer)) {
      refuse(
        `The policy of ${asset.name} does not trust who signed the kernel image.`,
        'Submit with a kernel image that the policy trusts.'
      );
    }
    if (one.version.value.sealedFor !== backend.sealedFor) {
      refuse(
        `${asset.name} is sealed for ${one.version.value.sealedFor}; this server runs ${backend.sealedFor}.`,
        'Ask the provider for a version that is sealed for the TEEs of this server.'
      );
    }
    opened.push(one);
  }
  strictestTerms(opened.map(({ policy }) => policy.value));
  if (kernelImage.development && backend.sealedFor !== 'simulation') {
    refuse('A development kernel image runs in the simulator only.', 'Submit with a released kernel image.');
  }
  if (spec.compute.accelerator !== kernelImage.accelerator) {
    refuse(
      `The kernel image ${kernelImage.name} is not one for the accelerator asked for.`,
      'Choose another one.'
    );
  }
  return opened;
}

async function checkFiles(context: CoordinatorContext, party: string, spec: Spec): Promise<void> {
  // A digest is no secret: naming one must not give away a file that another party has put.
  const [missing] = await withoutGrant(
    context.db,
    spec.workspace.map(file => file.digest),
    party
  );
  if (missing === undefined) return;
  const file = spec.workspace.find(({ digest }) => digest === missing);
  throw new CleanRoomError('not-found', `"${file?.path ?? missing}" was not put before.`, {
    remedy: 'Put every file of the workspace, then submit again.'
  });
}

/**
 * Everything that must hold before a revision is submitted: form, signer, members, signed assets and policies, terms, files
 * and, computed anew from all that, the image digest that was signed.
 * @throws CleanRoomError with what is wrong and what to do
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
    refuse(
      'The collaboration is not for this purpose.',
      `Choose one of: ${collaboration.value.purposes.join('; ')}.`
    );
  }
  const opened = await checkAssets(context, caller, spec.value, collaboration.value, at);
  await checkFiles(context, caller.party, spec.value);
  const image = await composeSubmissionImage(context.services, spec);
  openSubmissionRequest(request, spec, image.imageDigest);
  const ends = [collaboration.value.ends, ...opened.map(({ policy }) => policy.value.validUntil)]
    .map(fromTimestamp)
    .reduce((first, other) => (other < first ? other : first));
  if (ends <= at)
    throw new CleanRoomError('expired', 'The collaboration has ended.', {
      remedy: 'Ask the parties to renew it.'
    });
  return {
    spec,
    request,
    image,
    collaboration: asDigest(spec.value.collaboration),
    providers: new Map(spec.value.assets.map(asset => [providerOf(asset.name), asset.custodian])),
    simulated: context.services.backend.sealedFor === 'simulation',
    ends
  };
}
