import { Readable } from 'node:stream';
import { createHash } from 'node:crypto';
import { fromBase64, type Digest } from '@clean-room/protocol/bytes';
import type { Envelope, ReadDocument } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { composeImage, type RevisionFile } from '@clean-room/protocol/packaging';
import type { Collaboration, Person, Roster } from '@clean-room/protocol/parties';
import { openSubmissionRequest, readSpec, type Spec } from '@clean-room/protocol/submissions';
import { routes, type Submission } from '@clean-room/api/coordinator';
import type { CustodianContext } from '../context.js';
import type { ProvisionedAsset } from '../datasets/registry/registry.js';
import { fetchMemberships, type Membership } from '../parties/collaborations.js';
import { requireAllowed } from './terms.js';

/** A revision that this custodian has looked through itself: everything in it was checked against what was signed. */
export interface InspectedRevision {
  readonly submission: Submission;
  readonly revision: number;
  readonly spec: ReadDocument<Spec>;
  /** The image digest as this custodian rebuilt it. */
  readonly image: Digest;
  readonly collaboration: ReadDocument<Collaboration>;
  readonly collaborationEnvelope: Envelope;
  readonly submitter: { readonly person: Person; readonly roster: Roster };
  /** This provider's assets of the spec, in its order. */
  readonly assets: readonly ProvisionedAsset[];
  readonly files: readonly RevisionFile[];
}

function refuse(message: string): never {
  throw new CleanRoomError('digest-mismatch', message, {
    remedy: 'Do not approve it. Tell the operator that the coordinator shows something that was not signed.'
  });
}

async function membershipOf(context: CustodianContext, spec: Spec): Promise<Membership> {
  const { coordinator, rosters, config } = context;
  const memberships = await fetchMemberships(coordinator, rosters, config.party, config.rootKey);
  const membership = memberships.find(({ collaboration }) => collaboration.digest === spec.collaboration);
  if (membership !== undefined) return membership;
  throw new CleanRoomError(
    'policy-refused',
    'The submission is for a collaboration that your party has not signed.',
    {
      remedy: 'Reject it, or have the collaboration signed first.'
    }
  );
}

function submitterOf({ rosters }: Membership, spec: Spec): InspectedRevision['submitter'] {
  for (const { roster } of rosters.values()) {
    const person = roster.people.find(({ keys }) => keys.includes(spec.submitter));
    if (person?.roles.includes('researcher') === true) return { person, roster };
  }
  throw new CleanRoomError(
    'policy-refused',
    'Whoever submitted this is not a researcher of any party of the collaboration.',
    {
      remedy: 'Ask the researcher’s party to publish a roster that lists them.'
    }
  );
}

/** This provider's part of a spec, each asset as it was provisioned here. */
async function ownAssets(
  { config, keys, registry }: CustodianContext,
  spec: Spec
): Promise<ProvisionedAsset[]> {
  const wanted = spec.assets.filter(({ name }) => name.startsWith(`${config.party}/`));
  if (wanted.length === 0)
    throw new CleanRoomError('not-found', `The submission asks for nothing of ${config.party}.`);
  return Promise.all(
    wanted.map(async asset => {
      if (asset.custodian !== keys.publicKey)
        return refuse('The submission names another custodian for your data.');
      const own = await registry.find(asset.name, asset.version);
      if (own.policy.digest !== asset.policy)
        return refuse(`${asset.name} is under another policy than the one you signed for it.`);
      return own;
    })
  );
}

/** Brings the files here once, each checked by its digest while it comes. */
async function fetchFiles(
  context: CustodianContext,
  id: string,
  number: number,
  spec: Spec
): Promise<RevisionFile[]> {
  const files: RevisionFile[] = [];
  for (const { path, digest, bytes } of spec.workspace) {
    if ((await context.files.size(digest)) === undefined) {
      const { stream } = await context.coordinator.download(routes.getFile, {
        params: { id, number, '*': path }
      });
      await context.files.put(
        digest,
        Readable.fromWeb(stream as Parameters<typeof Readable.fromWeb>[0]),
        bytes
      );
    }
    files.push({
      path,
      digest,
      bytes,
      content: async function* () {
        const { stream } = await context.files.get(digest);
        for await (const chunk of stream) yield chunk as Uint8Array;
      }
    });
  }
  return files;
}

async function rebuild(
  context: CustodianContext,
  spec: ReadDocument<Spec>,
  files: readonly RevisionFile[]
): Promise<Digest> {
  const kernelImage = context.kernelImages.find(({ digest }) => digest === spec.value.kernelImage);
  if (kernelImage === undefined) {
    throw new CleanRoomError(
      'policy-refused',
      'The submission builds on a kernel image that this custodian does not know.',
      {
        remedy: 'Update the custodian, or ask for a submission on a kernel image that it knows.'
      }
    );
  }
  const { imageDigest } = await composeImage(kernelImage, spec, files, () => createHash('sha256'));
  return imageDigest;
}

/**
 * Fetches the newest revision of a submission and checks all of it: who asks, for what, under which agreement; and that spec
 * and files make the image that the researcher signed for, kernel image and nothing else beside them.
 * @throws CleanRoomError `not-found`, `policy-refused`, `digest-mismatch`, `signature-invalid`
 */
export async function inspectSubmission(context: CustodianContext, id: string): Promise<InspectedRevision> {
  const submission = await context.coordinator.call(routes.getSubmission, { params: { id } });
  const newest = submission.revisions.at(-1);
  if (newest === undefined) throw new CleanRoomError('not-found', 'The submission has no revision.');
  const spec = readSpec(fromBase64(newest.spec));
  const membership = await membershipOf(context, spec.value);
  const assets = await ownAssets(context, spec.value);
  const files = await fetchFiles(context, id, newest.number, spec.value);
  const image = await rebuild(context, spec, files);
  if (image !== newest.image)
    refuse('The image that the coordinator names is not the one that spec and files make.');
  openSubmissionRequest(newest.request, spec, image);
  const inspected: InspectedRevision = {
    submission,
    revision: newest.number,
    spec,
    image,
    collaboration: membership.collaboration,
    collaborationEnvelope: membership.envelope,
    submitter: submitterOf(membership, spec.value),
    assets,
    files
  };
  await requireAllowed(context, inspected);
  return inspected;
}
