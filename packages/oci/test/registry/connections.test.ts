import { randomBytes, randomUUID } from 'node:crypto';
import { jest } from '@jest/globals';
import { digestOf } from '@clean-room/protocol/bytes';
import { anonymous } from '../../src/registry/credentials.js';
import { RegistryStore } from '../../src/registry/registry-store.js';
import { copyImage } from '../../src/revision/package-image.js';
import { startBreakingProxy, type BreakingProxy } from '../support/breaking-proxy.js';
import { forwardTo, startHttpServer } from '../support/http-server.js';
import { chunked, collect, makeKernelImage, putKernelImage } from '../support/image.js';
import { startRegistry, type Registry } from '../support/registry.js';

let registry: Registry;
let proxy: BreakingProxy;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry.stop());
beforeEach(async () => {
  proxy = await startBreakingProxy(registry.host);
});
afterEach(() => proxy.stop());

const quick = { credentials: anonymous, retryPolicy: { attempts: 4, firstDelayMs: 5, longestDelayMs: 1000 } };
const open = (host: string, repository: string = randomUUID()) =>
  RegistryStore.open(`http://${host}/${repository}`, quick);

const bytes = randomBytes(8_000_000);
const digest = digestOf(bytes);

describe('a connection that breaks', () => {
  it('during an upload: the whole blob is sent again', async () => {
    const store = open(proxy.host);
    proxy.breakNext(3, 'up', 3_000_000);
    await store.writeBlob(digest, bytes.length, chunked(bytes));
    expect(proxy.broken).toBe(3);
    expect(digestOf(await collect(store.readBlob(digest)))).toBe(digest);
  });

  it('after the upload but before the answer: nothing is sent again', async () => {
    const store = open(proxy.host);
    await store.hasBlob(digest);
    let uploads = 0;
    const source = async function* (): AsyncGenerator<Uint8Array> {
      uploads++;
      for await (const chunk of chunked(bytes)()) yield chunk;
      proxy.breakNext(1, 'down', 0);
    };
    await store.writeBlob(digest, bytes.length, source);
    expect(proxy.broken).toBe(1);
    expect(uploads).toBe(1);
  });

  it('during a download: the download continues at the same offset', async () => {
    const repository = randomUUID();
    await open(registry.host, repository).writeBlob(digest, bytes.length, chunked(bytes));
    const ranges: (string | undefined)[] = [];
    const server = await startHttpServer(
      forwardTo(
        () => registry.host,
        ({ method, headers }) => {
          if (method === 'GET') ranges.push(headers.range);
          return false;
        }
      )
    );
    const flaky = await startBreakingProxy(server.host);
    try {
      flaky.breakNext(3, 'down', 2_000_000);
      expect(digestOf(await collect(open(flaky.host, repository).readBlob(digest)))).toBe(digest);
      expect(flaky.broken).toBe(3);
      const starts = ranges.map(range => Number(/^bytes=(\d+)-$/.exec(range ?? 'bytes=0-')?.[1]));
      expect(starts[0]).toBe(0);
      expect(starts).toHaveLength(4);
      expect([...starts].sort((a, b) => a - b)).toEqual(starts);
      expect(starts[3]).toBeGreaterThan(5_000_000);
    } finally {
      await flaky.stop();
      await server.stop();
    }
  });

  it('during a download from a registry without ranges: bytes already read are skipped', async () => {
    const repository = randomUUID();
    await open(registry.host, repository).writeBlob(digest, bytes.length, chunked(bytes));
    const server = await startHttpServer((request, response) => {
      delete request.headers.range;
      forwardTo(() => registry.host)(request, response);
    });
    const flaky = await startBreakingProxy(server.host);
    try {
      flaky.breakNext(2, 'down', 3_000_000);
      expect(digestOf(await collect(open(flaky.host, repository).readBlob(digest)))).toBe(digest);
      expect(flaky.broken).toBe(2);
    } finally {
      await flaky.stop();
      await server.stop();
    }
  });

  it('on every attempt: the error says that nothing is lost', async () => {
    const store = open(proxy.host);
    proxy.breakNext(1000, 'up', 10_000);
    await expect(store.writeBlob(digest, bytes.length, chunked(bytes))).rejects.toMatchObject({
      code: 'registry-failed',
      message: expect.stringMatching(/^The connection to .* failed/) as unknown,
      remedy: expect.stringContaining('Nothing is lost') as unknown
    });
    expect(proxy.broken).toBe(4);
  });

  it('immediately, because there is no registry: the request fails', async () => {
    const { host } = proxy;
    await proxy.stop();
    await expect(open(host).hasBlob(digest)).rejects.toMatchObject({ code: 'registry-failed' });
    await expect(collect(open(host).readBlob(digest))).rejects.toMatchObject({ code: 'registry-failed' });
  });
});

describe('a busy registry', () => {
  it('is asked again after the delay that it requests', async () => {
    let busy = 2;
    const server = await startHttpServer(
      forwardTo(
        () => registry.host,
        (_request, response) => {
          if (busy-- <= 0) return false;
          response.writeHead(busy === 1 ? 429 : 503, { 'retry-after': '0' }).end();
          return true;
        }
      )
    );
    try {
      expect(await open(server.host).hasBlob(digest)).toBe(false);
      expect(server.calls).toHaveLength(3);
    } finally {
      await server.stop();
    }
  });

  it('is not asked again after it refused a request', async () => {
    const server = await startHttpServer((_request, response) =>
      response.writeHead(403).end('{"errors":[{"code":"DENIED","message":"not \\u001b[31myours"}]}')
    );
    try {
      await expect(open(server.host).resolve('latest')).rejects.toMatchObject({
        code: 'registry-failed',
        message: expect.stringMatching(/answered 403 \(DENIED: not \?\[31myours\)\.$/) as unknown,
        details: { status: 403 }
      });
      expect(server.calls).toHaveLength(1);
    } finally {
      await server.stop();
    }
  });
});

describe('a blob that a registry has', () => {
  it('is mounted from another repository instead of being sent', async () => {
    const [from, to] = [open(registry.host), open(registry.host)];
    const image = await makeKernelImage([100_000, 200_000]);
    const name = await putKernelImage(from, image);
    const read = jest.spyOn(from, 'readBlob');
    await copyImage(from, to, name, 'copied');
    expect(read).not.toHaveBeenCalled();
    expect(await to.resolve('copied')).toBe(name);
    expect(digestOf(await collect(to.readBlob(image.layers[1]!.digest)))).toBe(image.layers[1]!.digest);
  });

  it('is sent if the registry does not support mounting', async () => {
    const server = await startHttpServer((request, response) => {
      request.url = request.url?.replace(/\?mount=.*$/, '');
      forwardTo(() => registry.host)(request, response);
    });
    try {
      const [from, to] = [open(server.host), open(server.host)];
      const image = await makeKernelImage([100_000]);
      const name = await putKernelImage(from, image);
      await copyImage(from, to, name);
      expect(await to.readManifest(name)).toEqual(image.manifest);
      expect(digestOf(await collect(to.readBlob(image.layers[0]!.digest)))).toBe(image.layers[0]!.digest);
    } finally {
      await server.stop();
    }
  });

  it('is not mounted from another registry', async () => {
    const other = await startRegistry();
    try {
      const [from, to] = [open(other.host), open(registry.host)];
      const image = await makeKernelImage([100_000]);
      const name = await putKernelImage(from, image);
      await copyImage(from, to, name);
      expect(digestOf(await collect(to.readBlob(image.layers[0]!.digest)))).toBe(image.layers[0]!.digest);
    } finally {
      await other.stop();
    }
  });
});
