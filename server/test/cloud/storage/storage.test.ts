import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Storage, type GetSignedUrlConfig } from '@google-cloud/storage';
import { createHash, randomBytes } from 'node:crypto';
import { BUCKET, FakeCloud, WORKLOAD } from '../cloud.js';

const MINUTE = 60_000;
let cloud: FakeCloud;
let storage: Storage;

beforeAll(async () => {
  cloud = await FakeCloud.start({
    buckets: {
      [BUCKET]: {},
      kept: { softDeleteSeconds: 7 * 24 * 3600 },
      versioned: { versioning: true },
      expiring: {
        lifecycle: [{ action: { type: 'Delete' }, condition: { age: 30, matchesPrefix: ['runs/'] } }]
      }
    }
  });
  Object.assign(process.env, cloud.environment);
  storage = new Storage(cloud.storageClientOptions);
});

afterAll(() => cloud.stop());

/** Returns a signed URL as Google's library makes it, with a signature of the IAM Credentials API. */
async function signedUrl(name: string, config: Partial<GetSignedUrlConfig> = {}): Promise<string> {
  const [url] = await storage
    .bucket(BUCKET)
    .file(name)
    .getSignedUrl({
      version: 'v4',
      action: 'read',
      expires: Date.now() + 10 * MINUTE,
      signingEndpoint: `${cloud.iamCredentialsUrl}/v1/projects/-/serviceAccounts/`,
      ...config
    });
  return url;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const ONCE = { 'x-goog-if-generation-match': '0' };

async function codeOf(response: Response): Promise<{ status: number; code: string | undefined }> {
  const [, code] = /<Code>([^<]+)</.exec(await response.text()) ?? [];
  return { status: response.status, code };
}

describe('a signed URL', () => {
  test('writes an object once, bound to its digest, and reads it in ranges', async () => {
    const bytes = randomBytes(5000);
    const headers = { ...ONCE, 'x-goog-content-sha256': sha256(bytes) };
    const url = await signedUrl('sealed/a b+c', { action: 'write', extensionHeaders: headers });
    const put = (): Promise<Response> => fetch(url, { method: 'PUT', headers, body: bytes });
    expect((await put()).status).toBe(200);
    expect(await codeOf(await put())).toEqual({ status: 412, code: 'PreconditionFailed' });
    const readUrl = await signedUrl('sealed/a b+c');
    expect(Buffer.from(await (await fetch(readUrl)).arrayBuffer()).equals(bytes)).toBe(true);
    const part = await fetch(readUrl, { headers: { range: 'bytes=4000-' } });
    expect({ status: part.status, range: part.headers.get('content-range') }).toEqual({
      status: 206,
      range: 'bytes 4000-4999/5000'
    });
    expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(4000))).toBe(true);
    expect((await fetch(readUrl, { headers: { range: 'bytes=5000-' } })).status).toBe(416);
  });

  test('uploads an object in chunks, and continues after a lost one', async () => {
    const bytes = randomBytes(600_000);
    const headers = { ...ONCE, 'x-goog-resumable': 'start' };
    const url = await signedUrl('sealed/chunked', { action: 'resumable', extensionHeaders: ONCE });
    const begun = await fetch(url, { method: 'POST', headers });
    const session = begun.headers.get('location') ?? '';
    expect(begun.status).toBe(201);
    const send = (first: number, last: number): Promise<Response> =>
      fetch(session, {
        method: 'PUT',
        headers: { 'content-range': `bytes ${first}-${last - 1}/${bytes.length}` },
        body: bytes.subarray(first, last)
      });
    const half = 262_144;
    cloud.faults.plan({ call: 'storage.xml.put', fault: { kind: 'lost-response' } });
    await expect(send(0, half)).rejects.toThrow();
    const asked = await fetch(session, {
      method: 'PUT',
      headers: { 'content-range': `bytes */${bytes.length}` }
    });
    expect({ status: asked.status, range: asked.headers.get('range') }).toEqual({
      status: 308,
      range: `bytes=0-${half - 1}`
    });
    expect((await send(half, half + 1000)).status).toBe(400);
    expect((await send(half, bytes.length)).status).toBe(200);
    expect(cloud.buckets.get(BUCKET)!.get('sealed/chunked').bytes.equals(bytes)).toBe(true);
  });

  test('is refused when anything that was signed is changed', async () => {
    const bytes = randomBytes(100);
    const headers = { ...ONCE, 'x-goog-content-sha256': sha256(bytes) };
    const url = await signedUrl('sealed/bound', { action: 'write', extensionHeaders: headers });
    const put = async (to: string, sent: Record<string, string>, body = bytes): ReturnType<typeof codeOf> =>
      codeOf(await fetch(to, { method: 'PUT', headers: sent, body }));
    const mismatch = { status: 403, code: 'SignatureDoesNotMatch' };
    const malformed = { status: 400, code: 'MalformedSecurityHeader' };
    expect(await put(url.replace('sealed/bound', 'sealed/other'), headers)).toEqual(mismatch);
    expect(await put(url.replace('Expires=', 'Expires=1'), headers)).toMatchObject({ status: 400 });
    expect(await put(`${url}&x-goog-acl=public-read`, headers)).toEqual(mismatch);
    expect(await put(url, { ...headers, 'x-goog-if-generation-match': '1' })).toEqual(mismatch);
    expect(await put(url, { 'x-goog-content-sha256': sha256(bytes) })).toEqual(malformed);
    expect(await put(url, { ...headers, 'x-goog-meta-owner': 'other' })).toEqual(malformed);
    expect(await put(url, headers, randomBytes(100))).toEqual({ status: 400, code: 'ContentSHA256Mismatch' });
    expect(await codeOf(await fetch(url, { headers }))).toEqual(mismatch);
    expect(cloud.buckets.get(BUCKET)!.find('sealed/bound')).toBeUndefined();
    expect((await fetch(`${cloud.storageUrl}/${BUCKET}/sealed/bound`)).status).toBe(400);
  });

  test('ends after at most 15 minutes', async () => {
    const long = await signedUrl('sealed/late', { expires: Date.now() + 16 * MINUTE });
    expect(await codeOf(await fetch(long))).toEqual({
      status: 400,
      code: 'AuthorizationQueryParametersError'
    });
    const url = await signedUrl('sealed/late');
    expect(await codeOf(await fetch(url))).toEqual({ status: 404, code: 'NoSuchKey' });
    await cloud.clock.advance(11 * MINUTE);
    expect(await codeOf(await fetch(url))).toEqual({ status: 400, code: 'ExpiredToken' });
  });
});

describe('the JSON API', () => {
  test('needs a token and a role', async () => {
    const url = `${cloud.storageUrl}/storage/v1/b/${BUCKET}/o`;
    expect((await fetch(url)).status).toBe(401);
    const { token } = cloud.accounts.issueToken(WORKLOAD.email);
    expect((await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status).toBe(403);
    await expect(storage.bucket('absent').getMetadata()).rejects.toMatchObject({ code: 404 });
  });

  test('tells soft delete, versioning and lifecycle of a bucket, and keeps what they keep', async () => {
    const [kept] = await storage.bucket('kept').getMetadata();
    expect(kept).toMatchObject({ softDeletePolicy: { retentionDurationSeconds: '604800' } });
    const [versioned] = await storage.bucket('versioned').getMetadata();
    expect(versioned).toMatchObject({ versioning: { enabled: true } });
    const [plain] = await storage.bucket(BUCKET).getMetadata();
    expect(plain).toMatchObject({
      softDeletePolicy: { retentionDurationSeconds: '0' },
      versioning: { enabled: false }
    });
    for (const bucket of ['kept', 'versioned', BUCKET]) {
      const file = storage.bucket(bucket).file('secret');
      await file.save('content', { resumable: false });
      await file.delete();
    }
    const counts = ['kept', 'versioned', BUCKET].map(name => cloud.buckets.get(name)!.listKept().length);
    expect(counts).toEqual([1, 1, 0]);
  });

  test('deletes what a lifecycle rule says', async () => {
    const bucket = storage.bucket('expiring');
    for (const name of ['runs/1', 'assets/1']) await bucket.file(name).save('content', { resumable: false });
    await cloud.clock.advance(30 * 24 * 3600 * 1000);
    expect(
      cloud.buckets
        .get('expiring')!
        .list()
        .map(({ name }) => name)
    ).toEqual(['assets/1']);
  });
});
