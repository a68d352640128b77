import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { digestOf, fromBase64 } from '@clean-room/protocol/bytes';
import { routes } from '@clean-room/api/coordinator';
import type { ObjectStore } from '../../src/platform/objects/store.js';
import { BUCKET, FakeCloud } from '../cloud/cloud.js';
import type { Fault } from '../cloud/http/faults.js';
import { cloudObjects } from '../support/cloud-objects.js';
import { DATABASES, type DatabaseFactory } from '../support/databases.js';
import { TestDeployment } from '../support/deployment.js';
import { keyRelease, type TestSupervisor } from '../support/supervisor.js';
import { eventually } from '../support/wait.js';

/** Larger than what is uploaded in one request. */
const LARGE = 9 * 1024 * 1024;

let cloud: FakeCloud;
let store: ObjectStore;
let databases: DatabaseFactory;
let deployment: TestDeployment;

beforeAll(async () => {
  cloud = await FakeCloud.start();
  store = cloudObjects(cloud);
  databases = await DATABASES[0]![1]();
  deployment = await TestDeployment.start({
    database: await databases.create(),
    overrides: { objects: store }
  });
  await deployment.publishDocuments();
}, 120_000);
afterAll(async () => {
  await deployment.stop();
  await Promise.all([databases.dispose(), cloud.stop()]);
}, 60_000);
beforeEach(() => cloud.faults.clear());

interface StartedRun {
  readonly supervisor: TestSupervisor;
  readonly spec: Uint8Array;
  readonly state: () => Promise<string>;
}

/** Starts a run without assets, or with one. */
async function started(assets = deployment.assets.slice(0, 0)): Promise<StartedRun> {
  const { university, hospital } = deployment.parties;
  const { id, image } = await deployment.submit(assets);
  if (assets.length > 0) await deployment.approve(hospital, id);
  const plan = await eventually(() => deployment.backend.starts.find(start => start.image === image));
  const view = () => deployment.person(university).call(routes.getSubmission, { params: { id } });
  return {
    supervisor: deployment.supervisor(plan),
    spec: fromBase64((await view()).revisions[0]!.spec),
    state: async () => (await view()).runs[0]!.state
  };
}

test('an asset goes to its run, and the outputs to the store, without passing through the coordinator', async () => {
  const [asset] = deployment.assets;
  const { supervisor, spec, state } = await started([asset!]);
  const digest = digestOf(asset!.sealed);
  const address = await supervisor.transfer({ direction: 'download', digest, bytes: asset!.sealed.length });
  expect(new URL(address.url).origin).toBe(cloud.storageUrl);
  expect((Date.parse(address.expires) - Date.now()) / 1000).toBeLessThanOrEqual(900);
  await store.put(digest, Readable.from([Buffer.from(asset!.sealed)]), 1_000_000);
  expect(await supervisor.download(digest, asset!.sealed.length)).toEqual(new Uint8Array(asset!.sealed));
  const { approvals, collaboration } = await supervisor.document();
  const message = await supervisor.keyRequest(spec, approvals[0]!, collaboration);
  const release = keyRelease(deployment.parties.hospital, message);
  const result = await supervisor.deliverResult(spec, [release]);
  expect(await state()).toBe('completed');
  expect(await store.size(result.outputs[0]!)).toBe(64);
  // After the end, nothing is left of the uploads but the objects.
  await eventually(() => {
    const uploads = cloud.buckets.get(BUCKET)!.list('objects/uploads/');
    return uploads.length === 0 ? true : undefined;
  });
  await supervisor.postResult(result);
}, 60_000);

test('a result counts only when its outputs were uploaded', async () => {
  const { supervisor, spec, state } = await started();
  const output = { digest: digestOf(randomBytes(10)), bytes: 10 };
  await supervisor.transfer({ direction: 'upload', ...output });
  const result = await supervisor.result(spec, output, []);
  await expect(supervisor.postResult(result)).rejects.toMatchObject({ code: 'not-found' });
  expect(await state()).toBe('starting');
}, 60_000);

test('a result counts only when its outputs have their digest, and can then be sent again', async () => {
  const { supervisor, spec, state } = await started();
  const bytes = new Uint8Array(randomBytes(LARGE));
  const digest = digestOf(bytes);
  await supervisor.upload(randomBytes(LARGE), digest);
  const result = await supervisor.result(spec, { digest, bytes: LARGE }, []);
  await expect(supervisor.postResult(result)).rejects.toMatchObject({ code: 'digest-mismatch' });
  expect(await state()).toBe('starting');
  expect(await store.size(digest)).toBeUndefined();
  await supervisor.upload(bytes);
  await supervisor.postResult(result);
  expect(await state()).toBe('completed');
}, 60_000);

test('the upload of another attempt does not count', async () => {
  const [one, other] = [await started(), await started()];
  const bytes = new Uint8Array(randomBytes(100));
  const output = { digest: digestOf(bytes), bytes: 100 };
  await one.supervisor.upload(bytes);
  await one.supervisor.postResult(await one.supervisor.result(one.spec, output, []));
  expect(await store.size(output.digest)).toBe(100);
  const result = await other.supervisor.result(other.spec, output, []);
  await expect(other.supervisor.postResult(result)).rejects.toMatchObject({ code: 'digest-mismatch' });
  await other.supervisor.transfer({ direction: 'upload', ...output });
  await expect(other.supervisor.postResult(result)).rejects.toMatchObject({ code: 'not-found' });
}, 60_000);

test.each<[string, Fault, number]>([
  ['refused', { kind: 'status', code: 503 }, 20],
  ['never answered', { kind: 'timeout' }, 1]
])(
  'no address is given when its signing is %s, and the same request then gets one',
  async (_how, fault, times) => {
    const { supervisor } = await started();
    const request = { direction: 'upload', digest: digestOf(randomBytes(10)), bytes: 10 } as const;
    cloud.faults.plan({ call: 'iamcredentials.signBlob', fault, times });
    await expect(supervisor.transfer(request)).rejects.toMatchObject({ code: 'unavailable' });
    cloud.faults.clear();
    expect((await supervisor.transfer(request)).method).toBe('PUT');
  },
  60_000
);
