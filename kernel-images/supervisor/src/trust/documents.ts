import { AssetVersion } from '@clean-room/protocol/assets';
import type { Envelope, ReadDocument } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { JobDocument } from '@clean-room/protocol/jobs';
import { Roster, openCollaboration, type Collaboration } from '@clean-room/protocol/parties';
import { Policy } from '@clean-room/protocol/policies';
import type { Spec, SpecAsset } from '@clean-room/protocol/submissions';

/** An asset of the spec with the verified documents that its digests name. */
export interface TrustedAsset {
  readonly pinned: SpecAsset;
  readonly version: ReadDocument<AssetVersion>;
  readonly policy: ReadDocument<Policy>;
}

/**
 * Returns the collaboration that the spec pins.
 *
 * @throws CleanRoomError `digest-mismatch`, `signature-invalid`
 */
export function verifyCollaboration(spec: Spec, envelope: Envelope): ReadDocument<Collaboration> {
  const collaboration = openCollaboration(envelope);
  if (collaboration.digest !== spec.collaboration) {
    throw new CleanRoomError(
      'digest-mismatch',
      'The job contains another collaboration than the spec names.'
    );
  }
  return collaboration;
}

function verifyAsset(pinned: SpecAsset, supplied: JobDocument['assets'][number]): TrustedAsset {
  const version = AssetVersion.open(supplied.version, pinned.custodian);
  const policy = Policy.open(supplied.policy, pinned.custodian);
  if (version.digest !== pinned.version || policy.digest !== pinned.policy) {
    throw new CleanRoomError(
      'digest-mismatch',
      'The job contains another asset version or policy than the spec names.'
    );
  }
  if (version.value.name !== pinned.name || policy.value.asset !== pinned.name) {
    throw new CleanRoomError(
      'digest-mismatch',
      'An asset version or policy in the job belongs to another asset than the spec names.'
    );
  }
  return { pinned, version, policy };
}

/**
 * Returns every asset of the spec once, in the spec's order. Each is signed by the custodian that the spec names for it.
 *
 * @throws CleanRoomError `digest-mismatch`, `signature-invalid`
 */
export function verifyAssets(spec: Spec, supplied: JobDocument['assets']): TrustedAsset[] {
  const byVersion = new Map(supplied.map(asset => [AssetVersion.peek(asset.version).digest, asset]));
  if (byVersion.size !== spec.assets.length || supplied.length !== spec.assets.length) {
    throw new CleanRoomError('digest-mismatch', 'The job contains other assets than the spec names.');
  }
  return spec.assets.map(pinned => {
    const asset = byVersion.get(pinned.version);
    if (asset === undefined) {
      throw new CleanRoomError('digest-mismatch', 'An asset that the spec names is missing from the job.');
    }
    return verifyAsset(pinned, asset);
  });
}

/**
 * Returns the root key of the party whose roster lists the submitter's key as that of a researcher.
 *
 * @throws CleanRoomError `forbidden`, `signature-invalid`
 */
export function verifySubmitter(spec: Spec, collaboration: Collaboration, envelope: Envelope): string {
  const claimed = Roster.peek(envelope).value;
  const member = collaboration.members.find(candidate => candidate.rootKey === claimed.rootKey);
  if (member === undefined || member.party !== claimed.party) {
    throw new CleanRoomError(
      'forbidden',
      'The submitter’s roster does not belong to a member of the collaboration.'
    );
  }
  const roster = Roster.open(envelope, member.rootKey).value;
  const listed = roster.people.some(
    person => person.roles.includes('researcher') && person.keys.includes(spec.submitter)
  );
  if (!listed)
    throw new CleanRoomError('forbidden', 'The roster does not list the submitter as a researcher.');
  return member.rootKey;
}
