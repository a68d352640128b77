import { randomBytes, randomUUID } from 'node:crypto';
import { digestOf } from '@clean-room/protocol/bytes';
import { anonymous, type Credentials } from '../../src/registry/credentials.js';
import { RegistryStore } from '../../src/registry/registry-store.js';
import { copyImage } from '../../src/revision/package-image.js';
import { readChallenge } from '../../src/registry/challenge.js';
import { chunked, collect, makeKernelImage, putKernelImage } from '../support/image.js';
import {
  ADA,
  startPasswordRegistry,
  startTokenRegistry,
  type Registry,
  type TokenRegistry
} from '../support/registry.js';

const patience = { attempts: 2, pauseMs: 5 };
const asAda: Credentials = () => Promise.resolve(ADA);
const digest = digestOf(randomBytes(8));

describe('a registry that wants passwords', () => {
  let registry: Registry;
  beforeAll(async () => {
    registry = await startPasswordRegistry();
  });
  afterAll(() => registry.stop());

  it.each<[string, Credentials]>([
    ['nobody', anonymous],
    ['somebody with a wrong password', () => Promise.resolve({ username: 'ada', password: 'wrong' })],
    ['somebody with a token', () => Promise.resolve({ identityToken: 'a refresh token' })]
  ])('does not let %s in, and we say what to do', async (_name, credentials) => {
    const store = RegistryStore.open(`http://${registry.host}/x`, { credentials, patience });
    await expect(store.hasBlob(digest)).rejects.toMatchObject({
      code: 'registry-failed',
      remedy: `Log in with "docker login ${registry.host}".`
    });
  });

  it('is asked with the credentials of its own host', async () => {
    const hosts: string[] = [];
    const credentials: Credentials = host => {
      hosts.push(host);
      return asAda(host);
    };
    const store = RegistryStore.open(`http://${registry.host}/x`, { credentials, patience });
    await store.hasBlob(digest);
    await store.hasBlob(digest);
    expect(hosts).toEqual([registry.host]);
  });
});

describe('a registry that wants tokens', () => {
  let registry: TokenRegistry;
  beforeAll(async () => {
    registry = await startTokenRegistry();
  });
  afterAll(() => registry.stop());
  beforeEach(() => {
    registry.asked.splice(0);
    registry.seconds = 300;
  });
  const open = (credentials = asAda, repository: string = randomUUID()) =>
    RegistryStore.open(`http://${registry.host}/${repository}`, { credentials, patience });

  it('is asked for a token once for many calls, with no more rights than needed', async () => {
    const store = open(asAda, 'reading');
    await Promise.all([store.hasBlob(digest), store.hasBlob(digest), store.hasManifest(digest)]);
    await store.hasBlob(digest);
    expect(new Set(registry.asked.map(({ scopes }) => scopes.join()))).toEqual(
      new Set(['repository:reading:pull'])
    );
    expect(registry.asked.length).toBeLessThanOrEqual(3);
    const before = registry.asked.length;
    await store.hasBlob(digest);
    expect(registry.asked).toHaveLength(before);
  });

  it('is asked again when a token has run out', async () => {
    registry.seconds = 1;
    const store = open();
    await store.hasBlob(digest);
    await store.hasBlob(digest);
    expect(registry.asked).toHaveLength(2);
  });

  it('mounts from a neighbour with the right to read there', async () => {
    const [from, to] = [open(asAda, 'neighbour'), open(asAda, 'mine')];
    const image = await makeKernelImage([50_000]);
    const name = await putKernelImage(from, image);
    await copyImage(from, to, name);
    expect(registry.asked.map(({ scopes }) => scopes.join(' '))).toContain(
      'repository:mine:pull,push repository:neighbour:pull'
    );
    expect(digestOf(await collect(to.readBlob(image.layers[0]!.digest)))).toBe(image.layers[0]!.digest);
  });

  it('takes a refresh token for a token', async () => {
    const store = open(() => Promise.resolve({ identityToken: 'a refresh token' }));
    const bytes = randomBytes(1000);
    await store.writeBlob(digestOf(bytes), bytes.length, chunked(bytes));
    expect(await store.hasBlob(digestOf(bytes))).toBe(true);
    expect(registry.asked.every(({ authorization }) => authorization === undefined)).toBe(true);
  });

  it('does not let nobody in', async () => {
    await expect(open(anonymous).hasBlob(digest)).rejects.toMatchObject({
      code: 'registry-failed',
      message: expect.stringContaining('who are you?')
    });
  });
});

describe('what a registry wants', () => {
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
  ])('is read from %s', (header, challenge) => {
    expect(readChallenge(header)).toEqual(challenge);
  });
});
