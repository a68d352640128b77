import { sql, type Kysely } from 'kysely';
import { asDigest, type Digest } from '@clean-room/protocol/bytes';
import type { Envelope } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { AssetVersion, checkAssetVersion } from '@clean-room/protocol/assets';
import type { Custodian } from '@clean-room/protocol/parties';
import { Policy } from '@clean-room/protocol/policies';
import type { Spec } from '@clean-room/protocol/submissions';
import type { PublishedAsset } from '@clean-room/api/coordinator';
import type { CoordinatorContext } from '../context.js';
import type { CoordinatorTables } from '../database/tables.js';
import { newestRoster } from '../parties/rosters.js';
import { pageOf, type PageRequest, type PageResult } from '../../platform/http/paging.js';
import type { UnitOfWork } from '../state/unit-of-work.js';

/**
 * Returns the custodian that a party's newest roster names.
 *
 * @throws CleanRoomError `not-found`
 */
export async function custodianOf(db: Kysely<CoordinatorTables>, party: string): Promise<Custodian> {
  const custodian = (await newestRoster(db, party))?.custodian;
  if (custodian === undefined) {
    throw new CleanRoomError('not-found', `The roster of ${party} does not name a custodian.`, {
      remedy: `Ask ${party} to add its custodian to the roster and to publish the roster.`
    });
  }
  return custodian;
}

/** The signed documents of an asset that a spec names. */
interface SignedAsset {
  readonly version: Envelope;
  readonly policy: Envelope;
  readonly sealedDigest: Digest;
}

/** Returns the signed asset versions and policies that a spec names, in its order. */
export async function signedAssets(db: Kysely<CoordinatorTables>, spec: Spec): Promise<SignedAsset[]> {
  if (spec.assets.length === 0) return [];
  const rows = await db
    .selectFrom('asset_version')
    .innerJoin('policy', 'policy.asset', 'asset_version.asset')
    .select([
      'asset_version.digest as versionDigest',
      'policy.digest as policyDigest',
      'asset_version.envelope as version',
      'policy.envelope as policy',
      'asset_version.sealed_digest as sealedDigest'
    ])
    .where(eb =>
      eb.or(
        spec.assets.map(({ version, policy }) =>
          eb.and([eb('asset_version.digest', '=', version), eb('policy.digest', '=', policy)])
        )
      )
    )
    .execute();
  return spec.assets.map(asset => {
    const row = rows.find(
      ({ versionDigest, policyDigest }) => versionDigest === asset.version && policyDigest === asset.policy
    );
    if (row === undefined)
      throw new CleanRoomError('not-found', `The documents of ${asset.name} are missing on this server.`);
    const { version, policy, sealedDigest } = row;
    return { version, policy, sealedDigest };
  });
}

/** An asset version and its policy that {@link checkAsset} has accepted. */
interface CheckedAsset {
  readonly version: { readonly value: AssetVersion; readonly digest: Digest; readonly envelope: Envelope };
  readonly policy: { readonly value: Policy; readonly digest: Digest; readonly envelope: Envelope };
}

/** Checks that this server knows the collaboration that a policy names, and that the provider is a member of it. */
async function requireMembership(
  db: Kysely<CoordinatorTables>,
  party: string,
  { asset, collaboration }: Policy
): Promise<void> {
  const member = await db
    .selectFrom('collaboration_member')
    .select('party')
    .where('collaboration', '=', asDigest(collaboration))
    .where('party', '=', party)
    .executeTakeFirst();
  if (member !== undefined) return;
  throw new CleanRoomError(
    'not-found',
    `The policy of ${asset} names a collaboration that this server does not know, or that ${party} is not a member of.`,
    { remedy: 'Publish the collaboration first, or name one of your own collaborations in the policy.' }
  );
}

/**
 * Checks that the custodian in the party's roster signed an asset version and its policy, that the description of the table is
 * consistent, that version and policy belong together, and that the files they name have been uploaded.
 *
 * @throws CleanRoomError `signature-invalid`, `malformed`, `forbidden`, `conflict`, `not-found`
 */
export async function checkAsset(
  context: CoordinatorContext,
  party: string,
  version: Envelope,
  policy: Envelope
): Promise<CheckedAsset> {
  const { key } = await custodianOf(context.db, party);
  const signedVersion = AssetVersion.open(version, key);
  checkAssetVersion(signedVersion.value);
  const signedPolicy = Policy.open(policy, key);
  const { name, sealed, standIn } = signedVersion.value;
  if (!name.startsWith(`${party}/`)) {
    throw new CleanRoomError(
      'forbidden',
      `${name} is not an asset of ${party}. The name of an asset starts with its party’s name.`
    );
  }
  if (signedPolicy.value.asset !== name) {
    throw new CleanRoomError('conflict', `The policy is for ${signedPolicy.value.asset}, not for ${name}.`, {
      remedy: `Send the policy of ${name}.`
    });
  }
  await requireMembership(context.db, party, signedPolicy.value);
  for (const { digest, bytes } of [sealed, standIn]) {
    const size = await context.services.objects.size(digest);
    if (size !== bytes) {
      throw new CleanRoomError(
        'not-found',
        `The file ${digest} of ${name} has not been uploaded completely.`,
        {
          remedy: 'Upload the file first, then publish the asset version again.'
        }
      );
    }
  }
  return {
    version: { ...signedVersion, envelope: version },
    policy: { ...signedPolicy, envelope: policy }
  };
}

/**
 * Saves an asset version and its policy as the newest ones. Version numbers only increase, and a version number always has
 * the same content. Saving the newest version again changes nothing.
 *
 * @throws CleanRoomError `conflict` when the version is older than the saved one, or has other content
 */
export async function publishAsset(
  unit: UnitOfWork,
  party: string,
  { version, policy }: CheckedAsset
): Promise<void> {
  const { name } = version.value;
  const { trx, at } = unit;
  await trx.selectFrom('party').select('name').where('name', '=', party).forUpdate().execute();
  const newest = await trx
    .selectFrom('asset')
    .innerJoin('asset_version', 'asset_version.digest', 'asset.version_digest')
    .innerJoin('policy', 'policy.digest', 'asset.policy_digest')
    .select([
      'asset_version.version as version',
      'asset_version.digest as versionDigest',
      'policy.version as policyVersion',
      'policy.digest as policyDigest'
    ])
    .where('asset.name', '=', name)
    .executeTakeFirst();
  requireNewerVersion(
    `asset ${name}`,
    version,
    newest && { version: newest.version, digest: newest.versionDigest }
  );
  requireNewerVersion(
    `policy of ${name}`,
    policy,
    newest && { version: newest.policyVersion, digest: newest.policyDigest }
  );
  if (newest?.versionDigest !== version.digest) {
    await trx
      .insertInto('asset_version')
      .values({
        digest: version.digest,
        asset: name,
        provider: party,
        version: version.value.version,
        envelope: JSON.stringify(version.envelope),
        sealed_digest: version.value.sealed.digest,
        stand_in_digest: version.value.standIn.digest,
        published_at: at
      })
      .execute();
    unit.appendLogEntry({
      subject: 'asset',
      id: name,
      state: `version-${version.value.version}`,
      evidence: version.digest
    });
  }
  if (newest?.policyDigest !== policy.digest) {
    await trx
      .insertInto('policy')
      .values({
        digest: policy.digest,
        asset: name,
        version: policy.value.version,
        collaboration: asDigest(policy.value.collaboration),
        envelope: JSON.stringify(policy.envelope),
        published_at: at
      })
      .execute();
    unit.appendLogEntry({
      subject: 'policy',
      id: name,
      state: `version-${policy.value.version}`,
      evidence: policy.digest
    });
  }
  const newestDigests = {
    version_digest: version.digest,
    policy_digest: policy.digest,
    published_at: at,
    withdrawn_at: null
  };
  await trx
    .insertInto('asset')
    .values({ name, provider: party, ...newestDigests })
    .onConflict(conflict => conflict.column('name').doUpdateSet(newestDigests))
    .execute();
  unit.queueEvent(await readersOf(trx, name, party), { topic: 'asset', name });
}

function requireNewerVersion(
  subject: string,
  next: { readonly value: { readonly version: number }; readonly digest: Digest },
  newest: { readonly version: number; readonly digest: Digest } | undefined
): void {
  if (newest === undefined || next.digest === newest.digest || next.value.version > newest.version) return;
  throw new CleanRoomError('conflict', `The ${subject} already has version ${newest.version}.`, {
    remedy: `Sign your change as version ${newest.version + 1}.`
  });
}

/**
 * Stops offering an asset. Its versions stay, because receipts name them. Doing it again changes nothing.
 *
 * @throws CleanRoomError `not-found`
 */
export async function withdrawAsset(unit: UnitOfWork, party: string, dataset: string): Promise<void> {
  const name = `${party}/${dataset}`;
  const { trx, at } = unit;
  const asset = await trx
    .selectFrom('asset')
    .select(['withdrawn_at', 'version_digest'])
    .where('name', '=', name)
    .forUpdate()
    .executeTakeFirst();
  if (asset === undefined) throw new CleanRoomError('not-found', `This server has no asset named ${name}.`);
  if (asset.withdrawn_at !== null) return;
  await trx.updateTable('asset').set({ withdrawn_at: at }).where('name', '=', name).execute();
  unit.appendLogEntry({ subject: 'asset', id: name, state: 'withdrawn', evidence: asset.version_digest });
  unit.queueEvent(await readersOf(trx, name, party), { topic: 'asset', name });
}

/** Returns the parties that can see an asset: its provider, and the members of the collaboration that its newest policy names. */
export async function readersOf(
  db: Kysely<CoordinatorTables>,
  asset: string,
  provider: string
): Promise<string[]> {
  const members = await db
    .selectFrom('asset')
    .innerJoin('policy', 'policy.digest', 'asset.policy_digest')
    .innerJoin('collaboration_member', 'collaboration_member.collaboration', 'policy.collaboration')
    .select('collaboration_member.party')
    .distinct()
    .where('asset.name', '=', asset)
    .execute();
  return [provider, ...members.map(member => member.party)];
}

/** Returns the assets of a party and of the collaborations that it is a member of, ordered by name. */
export async function assetsFor(
  db: Kysely<CoordinatorTables>,
  party: string,
  request: PageRequest
): Promise<PageResult<PublishedAsset>> {
  const rows = await db
    .selectFrom('asset')
    .innerJoin('asset_version', 'asset_version.digest', 'asset.version_digest')
    .innerJoin('policy', 'policy.digest', 'asset.policy_digest')
    .select([
      'asset.name',
      'asset.provider',
      'asset.published_at',
      'asset.version_digest as versionDigest',
      'asset.policy_digest as policyDigest',
      'asset_version.envelope as version',
      'policy.envelope as policy'
    ])
    .where(eb =>
      eb.or([
        eb('asset.provider', '=', party),
        eb.exists(
          eb
            .selectFrom('collaboration_member')
            .select(sql`1`.as('one'))
            .whereRef('collaboration_member.collaboration', '=', 'policy.collaboration')
            .where('collaboration_member.party', '=', party)
        )
      ])
    )
    .where('asset.withdrawn_at', 'is', null)
    .$if(request.after !== undefined, query => query.where('asset.name', '>', request.after ?? ''))
    .orderBy('asset.name')
    .limit(request.limit + 1)
    .execute();
  const page = pageOf(rows, request.limit, row => row.name);
  const items: PublishedAsset[] = [];
  for (const { published_at, provider, ...row } of page.items) {
    items.push({
      ...row,
      provider,
      custodian: await custodianOf(db, provider),
      publishedAt: published_at.toISOString()
    });
  }
  return { ...page, items };
}
