import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { COORDINATOR, FakeCloud } from '../../cloud/cloud.js';
import type { BucketOptions } from '../../cloud/storage/bucket.js';
import { cloudObjects } from '../../support/cloud-objects.js';

let cloud: FakeCloud;
beforeAll(async () => {
  cloud = await FakeCloud.start();
});
afterAll(() => cloud.stop());

function requireSettings(options: BucketOptions): Promise<void> {
  cloud.createBucket('data', options);
  return cloudObjects(cloud, { bucket: 'data' }).requireSettings();
}

const remove = { type: 'Delete' } as const;

test.each<[string, BucketOptions]>([
  ['as it should be', {}],
  ['with versioning that was switched off', { versioning: false }],
  [
    'that stops broken uploads',
    { lifecycle: [{ action: { type: 'AbortIncompleteMultipartUpload' }, condition: { age: 7 } }] }
  ],
  [
    'that deletes what is not live',
    { lifecycle: [{ action: remove, condition: { isLive: false, age: 1 } }] }
  ],
  [
    'that deletes other objects',
    { lifecycle: [{ action: remove, condition: { age: 1, matchesPrefix: ['logs/'] } }] }
  ],
  [
    'that deletes old uploads',
    { lifecycle: [{ action: remove, condition: { age: 1, matchesPrefix: ['objects/uploads/'] } }] }
  ]
])('a bucket %s is accepted', async (_name, options) => {
  await requireSettings(options);
});

test.each<[string, BucketOptions, string]>([
  ['soft delete', { softDeleteSeconds: 604_800 }, '--clear-soft-delete'],
  ['versioning', { versioning: true }, '--no-versioning'],
  ['a retention policy', { retentionSeconds: 86_400 }, '--clear-retention-period'],
  ['holds', { eventBasedHold: true }, '--no-default-event-based-hold'],
  ['permissions of objects', { uniformAccess: false }, '--uniform-bucket-level-access'],
  ['inherited public access', { publicAccessPrevention: 'inherited' }, '--public-access-prevention'],
  [
    'a rule that deletes by age',
    { lifecycle: [{ action: remove, condition: { age: 30 } }] },
    '--clear-lifecycle'
  ],
  [
    'a rule for the same prefix',
    { lifecycle: [{ action: remove, condition: { age: 30, matchesPrefix: ['obj'] } }] },
    '--clear-lifecycle'
  ]
])('a bucket with %s is refused', async (_name, options, option) => {
  await expect(requireSettings(options)).rejects.toMatchObject({
    code: 'forbidden',
    message: expect.stringContaining('gs://data'),
    remedy: expect.stringContaining(`gcloud storage buckets update gs://data ${option}"`)
  });
});

test('several wrong settings are corrected by one command', async () => {
  const options: BucketOptions = {
    versioning: true,
    uniformAccess: false,
    publicAccessPrevention: 'inherited'
  };
  await expect(requireSettings(options)).rejects.toMatchObject({
    remedy: expect.stringContaining(
      '--no-versioning --uniform-bucket-level-access --public-access-prevention'
    )
  });
});

test('a bucket that does not exist is reported', async () => {
  await expect(cloudObjects(cloud, { bucket: 'absent' }).requireSettings()).rejects.toMatchObject({
    code: 'not-found',
    remedy: expect.any(String)
  });
});

test.each([
  ['read the bucket', 'roles/storage.legacyBucketReader', 'roles/storage.legacyBucketReader'],
  ['sign addresses', 'roles/iam.serviceAccountTokenCreator', 'roles/iam.serviceAccountTokenCreator on itself']
])('a service account that may not %s is told its role', async (_name, missing, remedy) => {
  cloud.accounts.setRoles(
    COORDINATOR.email,
    COORDINATOR.roles.filter(role => role !== missing)
  );
  await expect(requireSettings({})).rejects.toMatchObject({
    code: 'forbidden',
    remedy: expect.stringContaining(remedy)
  });
  cloud.accounts.setRoles(COORDINATOR.email, COORDINATOR.roles);
});

test('an account whose tokens are not accepted is refused', async () => {
  const other = await FakeCloud.start({ tokenSeconds: 0 });
  await expect(cloudObjects(other).requireSettings()).rejects.toMatchObject({ code: 'forbidden' });
  await other.stop();
});
