import { Approval } from '@clean-room/protocol/approvals';
import { providerOf } from '@clean-room/protocol/assets';
import { CleanRoomError, isCleanRoomError } from '@clean-room/protocol/errors';
import { routes } from '@clean-room/api/coordinator';
import type { DatasetState } from '@clean-room/api/custodian';
import { readBundle } from '../approvals/deliver.js';
import { revokeApprovals } from '../approvals/reject.js';
import type { CustodianContext } from '../context.js';
import type { ProvisionedAsset } from '../datasets/registry.js';
import { ledgerOf } from './ledger.js';

const datasetOf = (name: string): string => name.slice(providerOf(name).length + 1);

/** Returns what stewards see of a version of a dataset. */
export async function datasetState(
  { db }: CustodianContext,
  { version, policy, envelopes, withdrawn }: ProvisionedAsset
): Promise<DatasetState> {
  const { name } = version.value;
  return {
    name,
    version: version.value.version,
    versionDigest: version.digest,
    policyDigest: policy.digest,
    asset: envelopes.version,
    policy: envelopes.policy,
    withdrawn,
    ledger: await ledgerOf(db, datasetOf(name))
  };
}

/** Returns the newest version of each dataset. */
export async function newestDatasets({ registry }: CustodianContext): Promise<ProvisionedAsset[]> {
  const newest = new Map((await registry.list()).map(asset => [asset.version.value.name, asset]));
  return [...newest.values()];
}

async function revokeApprovalsOf(context: CustodianContext, name: string): Promise<void> {
  const live = await context.db
    .selectFrom('approval')
    .select(['submission', 'revision', 'bundle'])
    .where('revoked_at', 'is', null)
    .execute();
  for (const { submission, revision, bundle } of live) {
    const { assets } = Approval.peek(readBundle(bundle).envelope).value;
    if (assets.some(asset => asset.name === name)) await revokeApprovals(context, submission, revision);
  }
}

/**
 * Withdraws a dataset: no key of it is released again, its approvals are revoked, and the coordinator no longer offers it. It is
 * effective here even if the coordinator cannot be reached.
 *
 * @throws CleanRoomError `not-found`
 */
export async function withdrawDataset(context: CustodianContext, dataset: string): Promise<ProvisionedAsset> {
  const name = `${context.config.party}/${dataset}`;
  const known = (await newestDatasets(context)).find(({ version }) => version.value.name === name);
  if (known === undefined) {
    throw new CleanRoomError('not-found', `This custodian has no dataset named ${name}.`);
  }
  await context.registry.withdraw(dataset);
  await revokeApprovalsOf(context, name);
  try {
    await context.coordinator.call(routes.withdrawAsset, { params: { dataset } });
  } catch (error) {
    if (!isCleanRoomError(error, 'unavailable')) throw error;
    throw new CleanRoomError(
      'unavailable',
      `${name} is withdrawn: its keys are not released any more. The coordinator could not be told and still lists it.`,
      { remedy: 'Repeat the command when the coordinator is available.' }
    );
  }
  return { ...known, withdrawn: true };
}
