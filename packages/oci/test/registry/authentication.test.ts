import { randomBytes, randomUUID } from 'node:crypto';
import { digestOf } from '@clean-room/protocol/bytes';
import { anonymous, type Credentials } from '../../src/registry/credentials.js';
import { RegistryStore } from '../../src/registry/registry-store.js';
import { copyImage } from '../../src/revision/package-image.js';
import { parseChallenge } from '../../src/registry/challenge.js';
import { chunked, collect, makeKernelImage, putKernelImage } from '../support/image.js';
import {
  ADA,
  startPasswordRegistry,
  startTokenRegistry,
  type Registry,
  type TokenRegistry
} from '../support/registry.js';

const retryPolicy = { attempts: 2, firstDelayMs: 5, longestDelayMs: 1000 };
const asAda: Credentials = () => Promise.resolve(ADA);
const digest = digestOf(randomBytes(8));

describe('a registry with passwords', () => {
  let registry: Registry;
  beforeAll(async () => {
    registry = await startPasswordRegistry();
  });
  afterAll(() => registry.stop());

  it.each<[string, Credentials]>([
    ['an anonymous user', anonymous],
    ['a user with a wrong password', () => Promise.resolve({ username: 'ada', password: 'wrong' })],
    ['a user with a token', () => Promise.resolve({ identityToken: 'a refresh token' })]
  ])('refuses %s, and the error tells how to log in', async (_name, credentials) => {
    const store = RegistryStore.open(`http://${registry.host}/x`, { credentials, retryPolicy });
    await expect(store.hasBlob(digest)).rejects.toMatchObject({
      code: 'registry-failed',
      remedy: `Log in with "docker login ${registry.host}".`
    });
  });

  it('receives the credentials of its own host', async () => {
    const hosts: string[] = [];
    const credentials: Credentials = host => {
      hosts.push(host);
      return asAda(host);
    };
    const store = RegistryStore.open(`http://${registry.host}/x`, { credentials, retryPolicy });
    await store.hasBlob(digest);
    await store.hasBlob(digest);
    expect(hosts).toEqual([registry.host]);
  });
});

describe('a registry with tokens', () => {
  let registry: TokenRegistry;
  beforeAll(async () => {
    registry = await startTokenRegistry();
  });
  afterAll(() => registry.stop());
  beforeEach(() => {
    registry.tokenRequests.splice(0);
    registry.seconds = 300;
  });
  const open = (credentials = asAda, repository: string = randomUUID()) =>
    RegistryStore.open(`http://${registry.host}/${repository}`, { credentials, retryPolicy });

  it('issues one token for many requests, with no more rights than needed', async () => {
    const store = open(asAda, 'reading');
    await Promise.all([store.hasBlob(digest), store.hasBlob(digest), store.hasManifest(digest)]);
    await store.hasBlob(digest);
    expect(new Set(registry.tokenRequests.map(({ scopes }) => scopes.join()))).toEqual(
      new Set(['repository:reading:pull'])
    );
    expect(registry.tokenRequests.length).toBeLessThanOrEqual(3);
    const before = registry.tokenRequests.length;
    await store.hasBlob(digest);
    expect(registry.tokenRequests).toHaveLength(before);
  });

  it('is asked for a new token after the old one expired', async () => {
    registry.seconds = 1;
    const store = open();
    await store.hasBlob(digest);
    await store.hasBlob(digest);
    expect(registry.tokenRequests).toHaveLength(2);
  });

  it('mounts a blob from another repository with the right to read there', async () => {
    const [from, to] = [open(asAda, 'neighbour'), open(asAda, 'mine')];
    const image = await makeKernelImage([50_000]);
    const name = await putKernelImage(from, image);
    await copyImage(from, to, name);
    expect(registry.tokenRequests.map(({ scopes }) => scopes.join(' '))).toContain(
      'repository:mine:pull,push repository:neighbour:pull'
    );
    expect(digestOf(await collect(to.readBlob(image.layers[0]!.digest)))).toBe(image.layers[0]!.digest);
  });

  it('exchanges a refresh token for an access token', async () => {
    const store = open(() => Promise.resolve({ identityToken: 'a refresh token' }));
    const bytes = randomBytes(1000);
    await store.writeBlob(digestOf(bytes), bytes.length, chunked(bytes));
    expect(await store.hasBlob(digestOf(bytes))).toBe(true);
    expect(registry.tokenRequests.every(({ authorization }) => authorization === undefined)).toBe(true);
  });

  it('refuses an anonymous user', async () => {
    await expect(open(anonymous).hasBlob(digest)).rejects.toMatchObject({
      code: 'registry-failed',
      message: expect.stringContaining('authentication required') as unknown
    });
  });
});

describe('the challenge of a registry', () => {
  it.each([
    [
      'Bearer realm="https://r/t",service="s",scope="a:b:c"',
      { scheme: 'bearer', realm: 'https://r/t', service: 's' }
    ],
    ['bearer REALM="https://r/t"', { scheme: 'bearer', realm: 'https://r/t', service: undefined }],
    ['Bearer realm="a\\"b"', { scheme: 'bearer', realm: 'a"b', service: undefined }],
    [
      'Basic realm="x", Bearer realm="https://r/t"',
      { scheme: 'bearer', realm: 'https://r/t', service: undefined }
    ],
    ['Basic realm="a, Bearer realm=b"', { scheme: 'basic' }],
    ['Negotiate, Basic realm=x', { scheme: 'basic' }],
    ['Negotiate', undefined],
    ['', undefined],
    [undefined, undefined]
  ])('is parsed from %s', (header, challenge) => {
    expect(parseChallenge(header)).toEqual(challenge);
  });
});
