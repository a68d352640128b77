import { AssetVersion } from '@clean-room/protocol/assets';
import type { Envelope, ReadDocument } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { JobDocument } from '@clean-room/protocol/jobs';
import { Roster, openCollaboration, type Collaboration } from '@clean-room/protocol/parties';
import { Policy } from '@clean-room/protocol/policies';
import type { Spec, SpecAsset } from '@clean-room/protocol/submissions';

/** An asset of the spec with the signed documents that its digests name, and where its sealed bytes lie. */
export interface TrustedAsset {
  readonly pinned: SpecAsset;
  readonly version: ReadDocument<AssetVersion>;
  readonly policy: ReadDocument<Policy>;
  /** Only a place: what lies there must have the digest that the version names. */
  readonly sealed: string;
}

/** The collaboration that the spec pins. @throws CleanRoomError `digest-mismatch`, `signature-invalid` */
export function trustCollaboration(spec: Spec, envelope: Envelope): ReadDocument<Collaboration> {
  const collaboration = openCollaboration(envelope);
  if (collaboration.digest !== spec.collaboration) {
    throw new CleanRoomError('digest-mismatch', 'The job brings another collaboration than the spec names.');
  }
  return collaboration;
}

function trustAsset(pinned: SpecAsset, brought: JobDocument['assets'][number]): TrustedAsset {
  const version = AssetVersion.open(brought.version, pinned.custodian);
  const policy = Policy.open(brought.policy, pinned.custodian);
  if (version.digest !== pinned.version || policy.digest !== pinned.policy) {
    throw new CleanRoomError(
      'digest-mismatch',
      'The job brings another asset version or policy than the spec names.'
    );
  }
  if (version.value.name !== pinned.name || policy.value.asset !== pinned.name) {
    throw new CleanRoomError(
      'digest-mismatch',
      'An asset version or policy is of another asset than the spec says.'
    );
  }
  return { pinned, version, policy, sealed: brought.sealed };
}

/**
 * Every asset of the spec, once, in the spec's order, signed by the custodian that the spec names for it.
 * @throws CleanRoomError `digest-mismatch`, `signature-invalid`
 */
export function trustAssets(spec: Spec, brought: JobDocument['assets']): TrustedAsset[] {
  const byVersion = new Map(brought.map(asset => [AssetVersion.peek(asset.version).digest, asset]));
  if (byVersion.size !== spec.assets.length || brought.length !== spec.assets.length) {
    throw new CleanRoomError('digest-mismatch', 'The job brings other assets than the spec names.');
  }
  return spec.assets.map(pinned => {
    const asset = byVersion.get(pinned.version);
    if (asset === undefined) {
      throw new CleanRoomError('digest-mismatch', 'The job lacks an asset that the spec names.');
    }
    return trustAsset(pinned, asset);
  });
}

/**
 * Root key of the party whose roster lists the submitter's key as a researcher's.
 * @throws CleanRoomError `forbidden`, `signature-invalid`
 */
export function trustSubmitter(spec: Spec, collaboration: Collaboration, envelope: Envelope): string {
  const claimed = Roster.peek(envelope).value;
  const member = collaboration.members.find(candidate => candidate.rootKey === claimed.rootKey);
  if (member === undefined || member.party !== claimed.party) {
    throw new CleanRoomError('forbidden', 'The submitter’s roster is of no member of the collaboration.');
  }
  const roster = Roster.open(envelope, member.rootKey).value;
  const listed = roster.people.some(
    person => person.roles.includes('researcher') && person.keys.includes(spec.submitter)
  );
  if (!listed) throw new CleanRoomError('forbidden', 'The submitter is no researcher of that roster.');
  return member.rootKey;
}
