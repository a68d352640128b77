import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Storage } from '@google-cloud/storage';
import { randomBytes } from 'node:crypto';
import { digestOf } from '@clean-room/protocol/bytes';
import type { TransferAddress } from '@clean-room/protocol/jobs';
import { GoogleCloudStorage } from '../../../src/platform/objects/google.js';
import type { ObjectTransfers, Transfer } from '../../../src/platform/objects/transfers.js';
import { BUCKET, FakeCloud } from '../../cloud/cloud.js';
import { cloudObjects } from '../../support/cloud-objects.js';
import { isFakeGcsServerInstalled, startFakeGcsServer } from '../../support/fake-gcs-server.js';
import { SignedStorageProxy } from '../../support/signed-storage-proxy.js';

const MINUTE = 60_000;
/** Larger than what is uploaded in one request. */
const LARGE = 9 * 1024 * 1024;

interface Opened {
  readonly cloud: FakeCloud;
  readonly store: GoogleCloudStorage;
  /** Whether a session tells how many bytes have arrived. fake-gcs-server takes the question for the end of the upload. */
  readonly answersQuestions: boolean;
  close(): Promise<unknown>;
}

async function google(): Promise<Opened> {
  const cloud = await FakeCloud.start();
  return { cloud, store: cloudObjects(cloud), answersQuestions: true, close: () => cloud.stop() };
}

/** Opens fake-gcs-server, which this project did not write, with the accounts of a fake cloud. */
async function independent(): Promise<Opened> {
  const [cloud, server] = await Promise.all([FakeCloud.start(), startFakeGcsServer(BUCKET)]);
  const { accounts, clock, faults } = cloud;
  const proxy = await SignedStorageProxy.start({ storage: server.url, accounts, clock, faults });
  Object.assign(process.env, cloud.environment);
  const storage = new Storage({ ...cloud.storageClientOptions, apiEndpoint: proxy.url });
  return {
    cloud,
    store: new GoogleCloudStorage(storage, BUCKET, 'objects/', cloud.signing),
    answersQuestions: false,
    close: () => Promise.all([proxy.stop(), server.stop(), cloud.stop()])
  };
}

const IMPLEMENTATIONS: [string, () => Promise<Opened>][] = [['the fake cloud', google]];
if (isFakeGcsServerInstalled()) IMPLEMENTATIONS.push(['fake-gcs-server', independent]);

describe.each(IMPLEMENTATIONS)('transfers at signed addresses of %s', (_name, open) => {
  let opened: Opened;
  let transfers: ObjectTransfers;
  beforeAll(async () => {
    opened = await open();
    transfers = opened.store.transfers();
  });
  afterAll(() => opened.close());

  const inMinutes = (minutes: number): Date =>
    new Date(Math.floor((Date.now() + minutes * MINUTE) / 1000) * 1000);
  const transferOf = (bytes: Uint8Array): Transfer => ({
    owner: 'attempt',
    digest: digestOf(bytes),
    bytes: bytes.length
  });

  /** Sends a request to an address, with the headers that it names. */
  function send(
    { method, url, headers }: TransferAddress,
    body?: Uint8Array,
    others: Readonly<Record<string, string>> = {}
  ): Promise<Response> {
    const content = method === 'PUT' && body !== undefined ? { body: new Uint8Array(body) } : {};
    return fetch(url, { method, headers: { ...headers, ...others }, ...content });
  }

  /** Uploads bytes in one request or in a session, and returns the status of the last answer. */
  async function upload(address: TransferAddress, bytes: Uint8Array): Promise<number> {
    const response = await send(address, bytes);
    const session = response.headers.get('location');
    if (address.method === 'PUT' || session === null) return response.status;
    return (await fetch(session, { method: 'PUT', body: new Uint8Array(bytes) })).status;
  }

  test.each([1, 100_000, LARGE])('carry %i bytes to the store and back', async length => {
    const bytes = randomBytes(length);
    const transfer = transferOf(bytes);
    expect(await upload(await transfers.upload(transfer, inMinutes(10)), bytes)).toBe(200);
    expect(await opened.store.size(transfer.digest)).toBeUndefined();
    await transfers.accept(transfer);
    await transfers.accept(transfer);
    const address = await transfers.download(transfer, inMinutes(10));
    const whole = Buffer.from(await (await send(address)).arrayBuffer());
    expect(whole.equals(bytes)).toBe(true);
  });

  test('continue downloads from the middle', async () => {
    const bytes = randomBytes(1000);
    const transfer = transferOf(bytes);
    await upload(await transfers.upload(transfer, inMinutes(10)), bytes);
    await transfers.accept(transfer);
    const address = await transfers.download(transfer, inMinutes(10));
    const rest = await send(address, undefined, { range: 'bytes=700-' });
    expect([rest.status, rest.headers.get('content-range')]).toEqual([206, 'bytes 700-999/1000']);
    expect(Buffer.from(await rest.arrayBuffer()).equals(bytes.subarray(700))).toBe(true);
  });

  test('continue uploads after the last chunk that arrived', async () => {
    const bytes = randomBytes(LARGE);
    const transfer = transferOf(bytes);
    const begun = await send(await transfers.upload(transfer, inMinutes(10)));
    expect(begun.status).toBe(201);
    const session = begun.headers.get('location') ?? '';
    const half = 4 * 1024 * 1024;
    const put = (range: string, body?: Buffer): Promise<Response> =>
      fetch(session, {
        method: 'PUT',
        headers: { 'content-range': `bytes ${range}/${LARGE}` },
        redirect: 'manual',
        ...(body === undefined ? {} : { body: new Uint8Array(body) })
      });
    const answers = [await put(`0-${half - 1}`, bytes.subarray(0, half))];
    if (opened.answersQuestions) answers.push(await put('*'));
    for (const { status, headers } of answers) {
      expect([status, headers.get('range')]).toEqual([308, `bytes=0-${half - 1}`]);
    }
    expect((await put(`${half}-${LARGE - 1}`, bytes.subarray(half))).status).toBe(200);
    await transfers.accept(transfer);
    expect(await opened.store.size(transfer.digest)).toBe(LARGE);
  });

  test.each([1000, LARGE])('write an upload of %i bytes once', async length => {
    const bytes = randomBytes(length);
    const transfer = transferOf(bytes);
    expect(await upload(await transfers.upload(transfer, inMinutes(10)), bytes)).toBe(200);
    expect(await upload(await transfers.upload(transfer, inMinutes(10)), bytes)).toBe(412);
  });

  test('make no object of other bytes or another length', async () => {
    const bytes = randomBytes(LARGE);
    const transfer = transferOf(bytes);
    await upload(await transfers.upload(transfer, inMinutes(10)), randomBytes(LARGE));
    await expect(transfers.accept(transfer)).rejects.toMatchObject({ code: 'digest-mismatch' });
    await upload(await transfers.upload(transfer, inMinutes(10)), bytes.subarray(1));
    await expect(transfers.accept(transfer)).rejects.toMatchObject({ code: 'digest-mismatch' });
    expect(await opened.store.size(transfer.digest)).toBeUndefined();
    await expect(transfers.accept(transfer)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('end when their address has expired', async () => {
    const bytes = randomBytes(10);
    const transfer = transferOf(bytes);
    const address = await transfers.upload(transfer, inMinutes(10));
    await opened.cloud.clock.advance(11 * MINUTE);
    expect(await upload(address, bytes)).toBe(400);
    await expect(transfers.accept(transfer)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('are refused when something that was signed is changed', async () => {
    const bytes = randomBytes(10);
    const transfer = transferOf(bytes);
    const address = await transfers.upload(transfer, inMinutes(14));
    const changed: [Partial<TransferAddress>, Record<string, string>][] = [
      [{ url: address.url.replace('attempt/', 'another/') }, {}],
      [{ method: 'GET' }, {}],
      [{}, { 'x-goog-if-generation-match': '1' }],
      [{}, { 'x-goog-content-sha256': '0'.repeat(64) }],
      [{}, { 'x-goog-meta-note': 'x' }]
    ];
    for (const [change, headers] of changed) {
      const { status } = await send({ ...address, ...change }, bytes, headers);
      expect([400, 403]).toContain(status);
    }
    expect((await send(address, randomBytes(10))).status).toBe(400);
    await expect(transfers.accept(transfer)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('keep uploads of different owners apart, and delete those of one', async () => {
    const bytes = randomBytes(10);
    const one = transferOf(bytes);
    const other = { ...one, owner: 'another' };
    await upload(await transfers.upload(one, inMinutes(14)), bytes);
    await expect(transfers.accept(other)).rejects.toMatchObject({ code: 'not-found' });
    await upload(await transfers.upload(other, inMinutes(14)), bytes);
    await transfers.discard('attempt');
    await expect(transfers.accept(one)).rejects.toMatchObject({ code: 'not-found' });
    await transfers.accept(other);
    expect(await opened.store.size(one.digest)).toBe(10);
  });
});
