import { AssetVersion } from '@clean-room/protocol/assets';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Policy } from '@clean-room/protocol/policies';
import { routes } from '@clean-room/api/coordinator';
import type { BodyOf } from '@clean-room/api';
import type { routes as custodianRoutes } from '@clean-room/api/custodian';
import { Readable } from 'node:stream';
import { custodianMarks } from '../config.js';
import type { CustodianContext } from '../context.js';
import { signDocument } from '../keys/key-store.js';
import { openMembership } from '../parties/collaborations.js';
import { policyFrom, sealedFor } from '../datasets/policy-file.js';
import { readAgeHeader } from '../datasets/age-header.js';
import type { ProvisionedAsset } from '../datasets/registry.js';
import { sumIsWithin } from './amounts.js';
import { ledgerOf, spentOf } from './ledger.js';

type Publication = BodyOf<typeof custodianRoutes.publishDataset>;

/** Returns the version number of a publication. The same publication has the same number each time it is repeated. */
async function versionOf(
  { db }: CustodianContext,
  dataset: string,
  { id, reservation }: Publication
): Promise<number> {
  return db.transaction().execute(async trx => {
    await trx.selectFrom('provisioning_lock').select('singleton').forUpdate().execute();
    const known = await trx.selectFrom('publication').selectAll().where('id', '=', id).executeTakeFirst();
    if (known !== undefined) {
      if (known.dataset === dataset) return known.version;
      throw new CleanRoomError('conflict', 'This id was used to publish another dataset.');
    }
    const used =
      reservation === undefined
        ? undefined
        : await trx
            .selectFrom('publication')
            .select('id')
            .where('reservation', '=', reservation)
            .executeTakeFirst();
    if (used !== undefined) {
      throw new CleanRoomError('policy-refused', 'The privacy was spent for another stand-in.', {
        remedy: 'Make the stand-in again, which spends privacy again.'
      });
    }
    const { newest } = await trx
      .selectFrom('publication')
      .select(({ fn }) => fn.max('version').as('newest'))
      .where('dataset', '=', dataset)
      .executeTakeFirstOrThrow();
    const version = ((newest as number | null) ?? 0) + 1;
    await trx
      .insertInto('publication')
      .values({ id, dataset, version, reservation: reservation ?? null })
      .execute();
    return version;
  });
}

/** Checks that a synthetic stand-in, and no other, names privacy that was spent for it, and that the policy allows the sum. */
async function requireLedger(
  { db }: CustodianContext,
  dataset: string,
  { standIn, reservation, policy }: Publication
): Promise<void> {
  const ledger = await ledgerOf(db, dataset);
  if ((standIn.kind === 'synthetic') !== (reservation !== undefined)) {
    throw new CleanRoomError('malformed', 'A stand-in names a ledger entry if and only if it is synthetic.');
  }
  if (reservation !== undefined) {
    const entry = ledger.find(({ id }) => id === reservation);
    const { privacy } = standIn;
    const matches =
      entry?.state === 'spent' &&
      entry.amount.epsilon === privacy?.epsilon &&
      entry.amount.delta === privacy.delta &&
      (entry.unit === 'row') === (privacy.unit === 'row');
    if (!matches) {
      throw new CleanRoomError(
        'policy-refused',
        'The stand-in states another privacy than the ledger has for it.',
        {
          remedy: 'Make the stand-in again.'
        }
      );
    }
  }
  if (!sumIsWithin([spentOf(ledger)], policy.privacy.rho)) {
    throw new CleanRoomError(
      'policy-refused',
      `The stand-ins of ${dataset} have spent ρ = ${spentOf(ledger)}, but the policy allows only ρ = ${policy.privacy.rho}.`,
      { remedy: 'Raise "privacy" in the policy.' }
    );
  }
}

async function requireUploaded(
  { objects, keys }: CustodianContext,
  { sealed, standIn }: Publication
): Promise<void> {
  for (const { digest, bytes } of [sealed, standIn]) {
    if ((await objects.size(digest)) === bytes) continue;
    throw new CleanRoomError('not-found', `The file ${digest} has not been uploaded completely.`, {
      remedy: 'Upload the sealed data and the stand-in first.'
    });
  }
  const { stream } = await objects.get(sealed.digest);
  // Fails for data that is not sealed to this custodian, which could never be opened.
  await keys.fileKeyOf(await readAgeHeader(stream));
}

/** Uploads the files of an asset and publishes its documents at the coordinator. It is safe to repeat. */
async function sendToCoordinator(context: CustodianContext, asset: ProvisionedAsset): Promise<void> {
  const { coordinator, objects } = context;
  const { sealed, standIn } = asset.version.value;
  for (const { digest } of [sealed, standIn]) {
    const { stream } = await objects.get(digest);
    const bytes = Readable.toWeb(stream) as ReadableStream<Uint8Array>;
    await coordinator.upload(routes.putObject, { params: { digest } }, bytes);
  }
  await coordinator.call(routes.publishAsset, { body: asset.envelopes });
}

/**
 * Signs a version of a dataset and its policy, keeps them, and publishes them at the coordinator. Repeating a publication
 * continues it.
 *
 * @throws CleanRoomError `malformed` for a policy that cannot be signed, `not-found` for a collaboration or files that are missing,
 * `policy-refused` when the privacy ledger does not allow the stand-in
 */
export async function publishDataset(
  context: CustodianContext,
  dataset: string,
  publication: Publication
): Promise<ProvisionedAsset> {
  const { config, keys, registry, coordinator } = context;
  const { description, table, rows, sealed, standIn } = publication;
  const name = `${config.party}/${dataset}`;
  const { items } = await coordinator.call(routes.listCollaborations, {});
  const found = items.find(({ digest }) => digest === publication.collaboration);
  if (found === undefined) {
    throw new CleanRoomError('not-found', `${config.party} is not a member of this collaboration.`, {
      remedy: 'Publish a collaboration that every party has signed.'
    });
  }
  const collaboration = openMembership(found.envelope, config.party, config.rootKey);
  const terms = {
    asset: name,
    collaboration,
    ...custodianMarks(config),
    now: context.now()
  };
  // Checked before a version number is used.
  policyFrom(publication.policy, { ...terms, version: 1 });
  await requireUploaded(context, publication);
  await requireLedger(context, dataset, publication);
  const version = await versionOf(context, dataset, publication);
  const known = await registry.version(dataset, version);
  if (known === undefined) {
    const signedVersion = await signDocument(keys, AssetVersion, {
      format: 'clean-room.asset/v1',
      name,
      version,
      description,
      table,
      ...(rows === undefined ? {} : { rows }),
      sealedFor: sealedFor(publication.policy),
      sealed,
      standIn
    });
    const policy = await signDocument(keys, Policy, policyFrom(publication.policy, { ...terms, version }));
    await registry.add(dataset, version, { version: signedVersion.envelope, policy: policy.envelope });
  }
  const asset = known ?? (await registry.version(dataset, version));
  if (asset === undefined)
    throw new CleanRoomError('internal', `Version ${version} of ${name} was not stored.`);
  await sendToCoordinator(context, asset);
  return asset;
}
