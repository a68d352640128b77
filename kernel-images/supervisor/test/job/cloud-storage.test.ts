import { randomBytes } from 'node:crypto';
import { digestOf, type Digest } from '@clean-room/protocol/bytes';
import { isTransferAddress, type TransferAddress, type TransferRequest } from '@clean-room/protocol/jobs';
import type { ObjectStore } from '../../../../server/src/platform/objects/store.js';
import type { ObjectTransfers } from '../../../../server/src/platform/objects/transfers.js';
import { BUCKET, FakeCloud } from '../../../../server/test/cloud/cloud.js';
import { cloudObjects } from '../../../../server/test/support/cloud-objects.js';
import { downloadSealed } from '../../src/assets/sealed-download.js';
import type { JobChannel } from '../../src/job/channel.js';
import { deliverResult } from '../../src/job/delivery.js';
import { TransferAddresses } from '../../src/job/transfer.js';
import { JobServer } from '../support/job-server.js';
import { makeWorld } from '../support/world.js';

const MINUTE = 60_000;
const RETRY = { totalMs: 5000, firstDelayMs: 5, longestDelayMs: 20 };
/** Larger than what is uploaded in one request. */
const LARGE = 9 * 1024 * 1024 + 7;
const OWNER = 'attempt';

let cloud: FakeCloud;
let store: ObjectStore;
let transfers: ObjectTransfers;
let server: JobServer;
let channel: JobChannel;
/** The requests for addresses. */
let asked: TransferRequest[];

beforeAll(async () => {
  cloud = await FakeCloud.start();
  const objects = cloudObjects(cloud);
  store = objects;
  transfers = objects.transfers();
  server = await JobServer.open(await makeWorld());
  channel = server.registeredChannel();
});
afterAll(() => Promise.all([server.close(), cloud.stop()]));

/** Gives an address that is valid for ten minutes of the cloud's time. */
function addressOf({ direction, digest, bytes }: TransferRequest): Promise<TransferAddress> {
  return transfers[direction]({ owner: OWNER, digest, bytes }, new Date(Date.now() + 10 * MINUTE));
}

beforeEach(() => {
  asked = [];
  cloud.faults.clear();
  server.transferAddress = request => {
    asked.push(request);
    return addressOf(request);
  };
});

function deliver(bytes: Uint8Array, digest = digestOf(bytes), simulated = true): Promise<void> {
  const result = { statement: 'e30=', token: 'a.b.c', keyReleases: [], outputs: [digest] };
  const addresses = new TransferAddresses(channel, simulated);
  return deliverResult(channel, addresses, [{ bytes, digest }], result, { retryPolicy: RETRY });
}

/** Accepts an upload as the coordinator does, and returns the stored object. */
async function acceptedObject(digest: Digest, bytes: number): Promise<Buffer> {
  await transfers.accept({ owner: OWNER, digest, bytes });
  const parts: Buffer[] = [];
  for await (const part of (await store.get(digest)).stream) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

async function download(digest: Digest, bytes: number): Promise<Buffer> {
  const addresses = new TransferAddresses(channel, true);
  const request = { direction: 'download', digest, bytes } as const;
  const address = (): Promise<TransferAddress> => addresses.request(request, { retryPolicy: RETRY });
  const parts: Uint8Array[] = [];
  for await (const part of downloadSealed({ bytes, address }, undefined, RETRY)) parts.push(part);
  return Buffer.concat(parts);
}

/** Stores an object, for downloads. */
async function stored(length: number): Promise<{ bytes: Buffer; digest: Digest }> {
  const bytes = randomBytes(length);
  const digest = digestOf(bytes);
  await deliver(bytes);
  await acceptedObject(digest, length);
  asked = [];
  return { bytes, digest };
}

/** Lets the first address expire before it is used. */
function expireFirstAddress(): void {
  server.transferAddress = async request => {
    asked.push(request);
    if (asked.length > 1) return addressOf(request);
    const { direction, digest, bytes } = request;
    const expires = new Date(Date.now() + 2000);
    const address = await transfers[direction]({ owner: OWNER, digest, bytes }, expires);
    await cloud.clock.advance(5000);
    return address;
  };
}

describe('an output', () => {
  test.each([0, 1, 100_000, LARGE])('of %i bytes arrives at Cloud Storage', async length => {
    const bytes = randomBytes(length);
    await deliver(bytes);
    expect((await acceptedObject(digestOf(bytes), length)).equals(bytes)).toBe(true);
    expect(asked).toHaveLength(1);
  });

  test('continues after a connection that broke in the middle, with the same session', async () => {
    const bytes = randomBytes(LARGE);
    const before = cloud.faults.count('storage.xml.put');
    cloud.faults.plan({ call: 'storage.xml.put', fault: { kind: 'broken-request' } });
    await deliver(bytes);
    expect((await acceptedObject(digestOf(bytes), LARGE)).equals(bytes)).toBe(true);
    expect(asked).toHaveLength(1);
    // The broken request, the question for what arrived, and the rest.
    expect(cloud.faults.count('storage.xml.put') - before).toBe(3);
  });

  test.each(['storage.xml.put', 'storage.xml.post'])(
    'arrives once when the answer to %s is lost',
    async call => {
      const bytes = randomBytes(LARGE);
      cloud.faults.plan({ call, fault: { kind: 'lost-response' } });
      await deliver(bytes);
      expect((await acceptedObject(digestOf(bytes), LARGE)).equals(bytes)).toBe(true);
    }
  );

  test('that is small arrives once when the answer is lost', async () => {
    const bytes = randomBytes(1000);
    cloud.faults.plan({ call: 'storage.xml.put', fault: { kind: 'lost-response' } });
    await deliver(bytes);
    expect(asked).toHaveLength(2);
    expect((await acceptedObject(digestOf(bytes), 1000)).equals(bytes)).toBe(true);
  });

  test.each([1000, LARGE])('of %i bytes gets another address when one has expired', async length => {
    const bytes = randomBytes(length);
    expireFirstAddress();
    await deliver(bytes);
    expect(asked).toHaveLength(2);
    expect((await acceptedObject(digestOf(bytes), length)).equals(bytes)).toBe(true);
  });

  test('begins again when its session no longer exists', async () => {
    const bytes = randomBytes(LARGE);
    cloud.faults.plan({ call: 'storage.xml.put', fault: { kind: 'broken-request' } });
    cloud.faults.plan({ call: 'storage.xml.put', fault: { kind: 'lost-session' } });
    await deliver(bytes);
    expect(asked).toHaveLength(2);
    expect((await acceptedObject(digestOf(bytes), LARGE)).equals(bytes)).toBe(true);
  });

  test('ends after several refused addresses', async () => {
    server.transferAddress = async request => {
      asked.push(request);
      const address = await addressOf(request);
      return { ...address, url: address.url.replace('attempt/', 'another/') };
    };
    await expect(deliver(randomBytes(10))).rejects.toMatchObject({ code: 'forbidden' });
    expect(asked).toHaveLength(5);
  });

  test('with other bytes than its digest is never stored, and can then be uploaded', async () => {
    const bytes = randomBytes(LARGE);
    const digest = digestOf(bytes);
    await deliver(randomBytes(LARGE), digest);
    await expect(acceptedObject(digest, LARGE)).rejects.toMatchObject({ code: 'digest-mismatch' });
    expect(await store.size(digest)).toBeUndefined();
    await deliver(bytes);
    expect((await acceptedObject(digest, LARGE)).equals(bytes)).toBe(true);
  });

  test('with other bytes is refused by Cloud Storage itself when it is small', async () => {
    const digest = digestOf(randomBytes(10));
    await expect(deliver(randomBytes(10), digest)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(acceptedObject(digest, 10)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('cannot be replaced by a second upload', async () => {
    const bytes = randomBytes(LARGE);
    const digest = digestOf(bytes);
    await deliver(bytes);
    await deliver(randomBytes(LARGE), digest);
    expect((await acceptedObject(digest, LARGE)).equals(bytes)).toBe(true);
  });

  test('that was not accepted is deleted at the end of its attempt, and what was accepted stays', async () => {
    const [kept, dropped] = [randomBytes(10), randomBytes(10)];
    await deliver(kept);
    await acceptedObject(digestOf(kept), 10);
    await deliver(dropped);
    await transfers.discard(OWNER);
    await expect(acceptedObject(digestOf(dropped), 10)).rejects.toMatchObject({ code: 'not-found' });
    expect(await store.size(digestOf(kept))).toBe(10);
    const uploads = cloud.buckets.get(BUCKET)!.list('objects/uploads/');
    expect(uploads).toEqual([]);
  });
});

describe('a sealed asset', () => {
  test('continues after a connection that broke in the middle', async () => {
    const { bytes, digest } = await stored(LARGE);
    cloud.faults.plan({ call: 'storage.xml.get', fault: { kind: 'reset' } });
    expect((await download(digest, LARGE)).equals(bytes)).toBe(true);
    expect(asked).toHaveLength(2);
  });

  test('is requested again when its address has expired', async () => {
    const { bytes, digest } = await stored(1000);
    expireFirstAddress();
    expect((await download(digest, 1000)).equals(bytes)).toBe(true);
    expect(asked).toHaveLength(2);
  });

  test('cannot be read at a changed address', async () => {
    const { digest } = await stored(1000);
    const other = await stored(1000);
    const hex = (of: Digest): string => of.slice('sha256:'.length + 2);
    server.transferAddress = async request => {
      const address = await addressOf(request);
      return { ...address, url: address.url.replace(hex(digest), hex(other.digest)) };
    };
    await expect(download(digest, 1000)).rejects.toMatchObject({ code: 'forbidden' });
  });
});

describe('the address of a transfer', () => {
  const job = 'https://coordinator.example/v1/jobs/abcdefghijklmnopqrstuvwxyz';

  test.each([
    'https://coordinator.example/v1/transfers/grant',
    'https://storage.googleapis.com/bucket/object?X-Goog-Signature=00'
  ])('%s is accepted', url => {
    expect(isTransferAddress(url, job, false)).toBe(true);
  });

  test.each([
    'http://coordinator.example/v1/transfers/grant',
    'http://storage.googleapis.com/bucket/object',
    'https://storage.googleapis.com:8443/bucket/object',
    'https://storage.googleapis.com.example/bucket/object',
    'https://user@storage.googleapis.com/bucket/object',
    'https://169.254.169.254/computeMetadata/v1/',
    'http://127.0.0.1:9000/bucket/object',
    'file:///etc/passwd',
    'no address'
  ])('%s is refused on hardware', url => {
    expect(isTransferAddress(url, job, false)).toBe(false);
  });

  test('on the machine itself is accepted in a simulation', () => {
    expect(isTransferAddress('http://127.0.0.1:9000/bucket/object', job, true)).toBe(true);
    expect(isTransferAddress('http://127.0.0.2:9000/bucket/object', job, true)).toBe(false);
  });

  test('is checked before anything is sent', async () => {
    const puts = cloud.faults.count('storage.xml.put');
    const bytes = randomBytes(10);
    await expect(deliver(bytes, digestOf(bytes), false)).rejects.toMatchObject({ code: 'forbidden' });
    expect(cloud.faults.count('storage.xml.put')).toBe(puts);
  });

  test('with a header that is not in the closed list is refused', async () => {
    server.transferAddress = async request => {
      const address = await addressOf(request);
      return { ...address, headers: { ...address.headers, 'x-goog-acl': 'public-read' } as never };
    };
    await expect(deliver(randomBytes(10))).rejects.toMatchObject({ code: 'malformed' });
  });
});
