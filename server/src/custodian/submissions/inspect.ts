import { fromBase64, type Digest } from '@clean-room/protocol/bytes';
import type { ReadDocument } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { RevisionFile } from '@clean-room/protocol/packaging';
import type { Collaboration, Person, Roster } from '@clean-room/protocol/parties';
import { openSubmissionRequest, readSpec, type Spec } from '@clean-room/protocol/submissions';
import { routes, type Submission } from '@clean-room/api/coordinator';
import type { CustodianContext } from '../context.js';
import type { ProvisionedAsset } from '../datasets/registry.js';
import { fetchMemberships, type Membership } from '../parties/collaborations.js';
import { computeImageDigest, fetchFiles } from './image.js';
import { requireAllowedUse } from './terms.js';

/** A revision in which this custodian has verified everything that the coordinator sent. */
export interface InspectedRevision {
  readonly submission: Submission;
  readonly revision: number;
  readonly spec: ReadDocument<Spec>;
  /** The image digest that this custodian computed itself. */
  readonly image: Digest;
  readonly collaboration: ReadDocument<Collaboration>;
  readonly submitter: { readonly person: Person; readonly roster: Roster };
  /** This provider's assets in the spec, in the spec's order. */
  readonly assets: readonly ProvisionedAsset[];
  readonly files: readonly RevisionFile[];
}

function unsignedContent(message: string): CleanRoomError {
  return new CleanRoomError('digest-mismatch', message, {
    remedy: 'Do not approve it. Tell the operator that the coordinator shows something that was not signed.'
  });
}

/** Returns this party's collaboration that the spec names. */
async function membershipOf(context: CustodianContext, spec: Spec): Promise<Membership> {
  const { coordinator, rosters, config } = context;
  const memberships = await fetchMemberships(coordinator, rosters, config.party, config.rootKey);
  const membership = memberships.find(({ collaboration }) => collaboration.digest === spec.collaboration);
  if (membership !== undefined) return membership;
  throw new CleanRoomError(
    'policy-refused',
    'The submission is for a collaboration that your party has not signed.',
    { remedy: 'Reject it, or have the collaboration signed first.' }
  );
}

/** Finds the submitter among the researchers of the collaboration's members. */
function submitterOf({ rosters }: Membership, spec: Spec): InspectedRevision['submitter'] {
  for (const { roster } of rosters.values()) {
    const person = roster.people.find(({ keys }) => keys.includes(spec.submitter));
    if (person?.roles.includes('researcher') === true) return { person, roster };
  }
  throw new CleanRoomError(
    'policy-refused',
    'The person who submitted this is not listed as a researcher by any party of the collaboration.',
    { remedy: 'Ask the researcher’s party to publish a roster that lists them.' }
  );
}

/** Returns this provider's assets in a spec, each checked against its record in this custodian's registry. */
async function ownAssets(
  { config, keys, registry }: CustodianContext,
  spec: Spec
): Promise<ProvisionedAsset[]> {
  const pinned = spec.assets.filter(({ name }) => name.startsWith(`${config.party}/`));
  if (pinned.length === 0) {
    throw new CleanRoomError('not-found', `The submission does not use any data of ${config.party}.`);
  }
  return Promise.all(
    pinned.map(async asset => {
      if (asset.custodian !== keys.publicKey)
        throw unsignedContent('The submission names a different custodian for your data.');
      const provisioned = await registry.find(asset.name, asset.version);
      if (provisioned.policy.digest !== asset.policy)
        throw unsignedContent(`The submission names a policy for ${asset.name} that you did not sign.`);
      return provisioned;
    })
  );
}

/**
 * Fetches the newest revision of a submission and verifies all of it: the submitter, the purpose, the collaboration and the
 * policies, and that the spec and the files on the kernel image result in exactly the image that the researcher signed.
 *
 * @param id - the submission
 * @throws CleanRoomError `not-found`, `policy-refused`, `digest-mismatch`, `signature-invalid`
 */
export async function inspectSubmission(context: CustodianContext, id: string): Promise<InspectedRevision> {
  const submission = await context.coordinator.call(routes.getSubmission, { params: { id } });
  const newest = submission.revisions.at(-1);
  if (newest === undefined) throw new CleanRoomError('not-found', 'The submission has no revision.');
  const spec = readSpec(fromBase64(newest.spec));
  const membership = await membershipOf(context, spec.value);
  const { collaboration } = membership;
  const assets = await ownAssets(context, spec.value);
  const files = await fetchFiles(context, id, newest.number, spec.value);
  const image = await computeImageDigest(context, spec, files);
  if (image !== newest.image) {
    throw unsignedContent('The spec and the files do not result in the image that the coordinator names.');
  }
  openSubmissionRequest(newest.request, spec, image);
  const submitter = submitterOf(membership, spec.value);
  await requireAllowedUse(context, {
    collaboration,
    party: submitter.roster.rootKey,
    purpose: spec.value.purpose,
    kernelImage: spec.value.kernelImage,
    assets
  });
  return {
    submission,
    revision: newest.number,
    spec,
    image,
    collaboration,
    submitter,
    assets,
    files
  };
}
