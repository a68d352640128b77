import { describe, expect, test } from '@jest/globals';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { fetchPackages, findMirror } from '../../src/debian/mirror.js';
import type { LockedPackage } from '../../src/definition/lock.js';
import { InputCache } from '../../src/inputs/input-cache.js';
import { scratch } from '../support/scratch.js';
import { serve } from '../support/web.js';

const BYTES = utf8('a package');

function locked(name: string, bytes = BYTES): LockedPackage {
  const path = `pool/main/${name}/${name}_1+b1_amd64.deb`;
  return { name, version: '1+b1', path, size: bytes.length, digest: digestOf(bytes), parts: ['jail'] };
}

describe('fetching packages', () => {
  test('downloads only packages that are not in the cache', async () => {
    const requests: string[] = [];
    const mirror = await serve((request, response) => {
      requests.push(request.url ?? '');
      response.end(BYTES);
    });
    const cache = new InputCache(await scratch());
    await fetchPackages([locked('a')], mirror, cache);
    await fetchPackages([locked('a')], mirror, cache);
    expect(requests).toEqual(['/pool/main/a/a_1%2bb1_amd64.deb']);
    expect(await cache.has(locked('a').digest)).toBe(true);
  });

  test('names the package that the mirror no longer has, with a remedy', async () => {
    const mirror = await serve((request, response) => {
      if (request.url?.includes('gone') === true) response.writeHead(404).end();
      else response.end(BYTES);
    });
    const cache = new InputCache(await scratch());
    await expect(fetchPackages([locked('a'), locked('gone')], mirror, cache)).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringMatching(
        /^gone 1\+b1 is locked for this image, but 127\.0\.0\.1:\d+ no longer has it\.$/
      ),
      remedy: expect.stringContaining('relock')
    });
  });

  test('does not use a file other than the locked one', async () => {
    const mirror = await serve((_request, response) => response.end('another package'));
    const cache = new InputCache(await scratch());
    await expect(fetchPackages([locked('a')], mirror, cache)).rejects.toMatchObject({
      code: 'digest-mismatch'
    });
    expect(await cache.has(locked('a').digest)).toBe(false);
    expect(await cache.has(digestOf(utf8('another package')))).toBe(false);
  });

  test('retries if the connection breaks', async () => {
    let attempts = 0;
    const mirror = await serve((_request, response) => {
      attempts += 1;
      if (attempts === 1) response.destroy();
      else if (attempts === 2) response.writeHead(503).end();
      else if (attempts === 3) {
        response.writeHead(200, { 'content-length': BYTES.length });
        response.write(BYTES.subarray(0, 3), () => response.destroy());
      } else response.end(BYTES);
    });
    const cache = new InputCache(await scratch());
    await fetchPackages([locked('a')], mirror, cache);
    expect(attempts).toBe(4);
    expect(await cache.has(locked('a').digest)).toBe(true);
  });
});

describe('the mirror', () => {
  test('is the one in the environment', async () => {
    const environment = { CLEAN_ROOM_DEBIAN_MIRROR: 'https://mirror.example/debian' };
    expect((await findMirror('bookworm', environment)).href).toBe('https://mirror.example/debian/');
  });

  test.each(['ftp://mirror.example/', 'mirror.example', 'file:///srv'])('cannot be "%s"', async address => {
    await expect(findMirror('bookworm', { CLEAN_ROOM_DEBIAN_MIRROR: address })).rejects.toMatchObject({
      code: 'malformed'
    });
  });

  test('is an http address even if neither environment nor apt configure one', async () => {
    expect((await findMirror('nosuchrelease', {})).protocol).toMatch(/^https?:$/);
  });
});
