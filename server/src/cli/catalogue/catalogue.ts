import type { Digest } from '@clean-room/protocol/bytes';
import { digestOf, fromBase64 } from '@clean-room/protocol/bytes';
import { AssetVersion, providerOf } from '@clean-room/protocol/assets';
import type { Envelope, ReadDocument } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { KernelImageStatement } from '@clean-room/protocol/kernel-images';
import type { KernelImageFiles } from '@clean-room/protocol/packaging';
import {
  openCollaboration,
  Roster,
  rootKeyOf,
  type Collaboration,
  type Custodian
} from '@clean-room/protocol/parties';
import { Policy } from '@clean-room/protocol/policies';
import type { TrustRoots } from '@clean-room/protocol/receipts';
import type { Client } from '@clean-room/api';
import { routes, type PublishedAsset } from '@clean-room/api/coordinator';

/** The newest version of a dataset and its policy, both signed by its provider's custodian. */
export interface CataloguedAsset {
  readonly version: ReadDocument<AssetVersion>;
  readonly policy: ReadDocument<Policy>;
  readonly custodian: Custodian;
  /** The envelope of the signed version, which is stored together with a stand-in. */
  readonly envelope: Envelope;
}

/** A collaboration between trusted parties, its members' rosters by party, and its datasets by name. */
export interface CataloguedCollaboration {
  readonly collaboration: ReadDocument<Collaboration>;
  readonly rosters: ReadonlyMap<string, Roster>;
  readonly assets: ReadonlyMap<string, CataloguedAsset>;
}

/** A kernel image that a trusted release key has signed. */
export interface CataloguedKernelImage extends KernelImageFiles {
  readonly digest: Digest;
  readonly name: string;
  /** The release key that has signed it. */
  readonly signer: string;
}

/** Verifies a published asset. Returns undefined when its provider has no custodian. */
function openAsset(
  published: PublishedAsset,
  rosters: ReadonlyMap<string, Roster>
): CataloguedAsset | undefined {
  const custodian = rosters.get(providerOf(published.name))?.custodian;
  if (custodian === undefined) return undefined;
  const version = AssetVersion.open(published.version, custodian.key);
  const policy = Policy.open(published.policy, custodian.key);
  if (version.value.name !== published.name || policy.value.asset !== published.name) {
    throw new CleanRoomError(
      'digest-mismatch',
      `The coordinator shows a different dataset under the name ${published.name}.`
    );
  }
  return { version, policy, custodian, envelope: published.version };
}

async function allAssets(client: Client): Promise<PublishedAsset[]> {
  const assets: PublishedAsset[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.call(routes.listAssets, {
      query: { limit: 100, ...(cursor === undefined ? {} : { cursor }) }
    });
    assets.push(...page.items);
    cursor = page.next;
  } while (cursor !== undefined);
  return assets;
}

/**
 * Reads the collaborations and datasets that a person can use. Everything is verified from the person's own trust roots: root
 * keys sign collaborations and rosters, rosters name custodians, and custodians sign datasets and policies. The coordinator is
 * not trusted.
 *
 * @throws CleanRoomError `signature-invalid`, `digest-mismatch`
 */
export async function readCatalogue(client: Client, trust: TrustRoots): Promise<CataloguedCollaboration[]> {
  const trusted = new Set(trust.parties.map(({ rootKey }) => rootKey));
  const { items } = await client.call(routes.listCollaborations, {});
  const published = await allAssets(client);
  return items.flatMap(item => {
    const collaboration = openCollaboration(item.envelope);
    // A collaboration with a member that the person does not trust is ignored.
    if (!collaboration.value.members.every(({ rootKey }) => trusted.has(rootKey))) return [];
    const rosters = new Map(
      item.rosters.map(envelope => {
        const { party } = Roster.peek(envelope).value;
        return [party, Roster.open(envelope, rootKeyOf(collaboration.value, party)).value] as const;
      })
    );
    const assets = new Map<string, CataloguedAsset>();
    const own = published.filter(
      ({ policy }) => Policy.peek(policy).value.collaboration === collaboration.digest
    );
    for (const asset of own) {
      const opened = openAsset(asset, rosters);
      if (opened !== undefined) assets.set(asset.name, opened);
    }
    return [{ collaboration, rosters, assets }];
  });
}

/**
 * Reads the kernel images that a release key of the trust roots has signed.
 * @throws CleanRoomError `signature-invalid`, `digest-mismatch`
 */
export async function readKernelImages(client: Client, trust: TrustRoots): Promise<CataloguedKernelImage[]> {
  const { items } = await client.call(routes.listKernelImages, {});
  return items.flatMap(({ digest, name, statement, manifest, config }) => {
    const signer = statement.signatures.find(({ keyid }) => trust.kernelImageSigners.includes(keyid))?.keyid;
    if (signer === undefined) return [];
    const signed = KernelImageStatement.open(statement, signer).value;
    const files = { manifest: fromBase64(manifest), config: fromBase64(config) };
    if (signed.digest !== digest || digestOf(files.manifest) !== digest) {
      throw new CleanRoomError(
        'digest-mismatch',
        `The coordinator shows a different kernel image under the name ${name}.`
      );
    }
    return [{ digest, name, signer, ...files }];
  });
}
