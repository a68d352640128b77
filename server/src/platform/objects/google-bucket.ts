import type { BucketMetadata } from '@google-cloud/storage';
import { CleanRoomError } from '@clean-room/protocol/errors';

type LifecycleRule = NonNullable<NonNullable<BucketMetadata['lifecycle']>['rule']>[number];

/** A setting that a bucket must not have, and the option of `gcloud storage buckets update` that corrects it. */
interface Fault {
  readonly setting: string;
  readonly option: string;
}

/** Returns whether a lifecycle rule can delete an object with the prefix while it is in use. */
function deletesInUse({ action, condition }: LifecycleRule, prefix: string): boolean {
  const { isLive, matchesPrefix, daysSinceNoncurrentTime, noncurrentTimeBefore, numNewerVersions } =
    condition;
  if (action.type !== 'Delete') return false;
  const old = [daysSinceNoncurrentTime, noncurrentTimeBefore, numNewerVersions];
  if (isLive === false || old.some(value => value !== undefined)) return false;
  return (
    matchesPrefix === undefined || matchesPrefix.some(own => own.startsWith(prefix) || prefix.startsWith(own))
  );
}

function faultsOf(metadata: BucketMetadata, prefix: string): Fault[] {
  const { softDeletePolicy, versioning, iamConfiguration, retentionPolicy, lifecycle } = metadata;
  const faults: (Fault | false)[] = [
    Number(softDeletePolicy?.retentionDurationSeconds ?? 0) !== 0 && {
      setting: 'keeps deleted objects (soft delete)',
      option: '--clear-soft-delete'
    },
    versioning?.enabled === true && {
      setting: 'keeps earlier versions of objects',
      option: '--no-versioning'
    },
    (retentionPolicy ?? undefined) !== undefined && {
      setting: 'forbids to delete objects (retention policy)',
      option: '--clear-retention-period'
    },
    metadata.defaultEventBasedHold === true && {
      setting: 'holds new objects',
      option: '--no-default-event-based-hold'
    },
    iamConfiguration?.uniformBucketLevelAccess?.enabled !== true && {
      setting: 'allows permissions of single objects',
      option: '--uniform-bucket-level-access'
    },
    iamConfiguration?.publicAccessPrevention !== 'enforced' && {
      setting: 'can be made public',
      option: '--public-access-prevention'
    },
    (lifecycle?.rule ?? []).some(rule => deletesInUse(rule, prefix)) && {
      setting: 'deletes objects that are still needed (lifecycle rule)',
      option: '--clear-lifecycle'
    }
  ];
  return faults.filter(fault => fault !== false);
}

/**
 * Checks the settings of a bucket: what is deleted is gone, what is needed stays, and only the bucket's own permissions give
 * access.
 *
 * @param prefix - beginning of the names of the objects that are stored in it
 * @throws CleanRoomError `forbidden`, with the command that corrects all wrong settings
 */
export function requireBucketSettings(bucket: string, prefix: string, metadata: BucketMetadata): void {
  const faults = faultsOf(metadata, prefix);
  if (faults.length === 0) return;
  const settings = faults.map(({ setting }) => setting).join(', ');
  const options = faults.map(({ option }) => option).join(' ');
  throw new CleanRoomError(
    'forbidden',
    `The bucket gs://${bucket} is not safe for the clean room: it ${settings}.`,
    {
      remedy: `Run "gcloud storage buckets update gs://${bucket} ${options}". If other programs need these settings, use a bucket of its own.`
    }
  );
}
