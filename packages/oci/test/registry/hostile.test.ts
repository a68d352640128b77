import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { parseAddress } from '../../src/registry/address.js';
import { RegistryStore } from '../../src/registry/registry-store.js';
import { startHttpServer, type Handler, type HttpServer } from '../support/http-server.js';
import { chunked, collect, makeKernelImage } from '../support/image.js';
import { ADA } from '../support/registry.js';

const servers: HttpServer[] = [];
async function start(handler: Handler): Promise<HttpServer> {
  const server = await startHttpServer(handler);
  servers.push(server);
  return server;
}
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

function open({ host }: HttpServer): RegistryStore {
  return RegistryStore.open(`http://${host}/team/image`, {
    credentials: () => Promise.resolve(ADA),
    retryPolicy: { attempts: 2, firstDelayMs: 5, longestDelayMs: 1000 }
  });
}

/** Requires a password, then calls `handler`. */
function withPassword(handler: Handler): Handler {
  return (request, response) => {
    if (request.headers.authorization !== undefined) handler(request, response);
    else response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
  };
}

const redirect = (response: ServerResponse, location: string, status = 307): void => {
  response.writeHead(status, { location }).end();
};

const blob = randomBytes(100_000);
const digest = digestOf(blob);

describe('a registry that redirects', () => {
  it.each([301, 302, 307, 308])(
    'to another server with status %i: that server gets no credentials',
    async status => {
      const bucket = await start((_request, response) => response.end(blob));
      const server = await start(
        withPassword((_request, response) =>
          redirect(response, `http://${bucket.host}/signed?signature=secret`, status)
        )
      );
      expect(digestOf(await collect(open(server).readBlob(digest)))).toBe(digest);
      expect(server.calls.at(-1)?.headers.authorization).toMatch(/^Basic /);
      expect(bucket.calls).toHaveLength(1);
      expect(bucket.calls[0]?.headers.authorization).toBeUndefined();
    }
  );

  it('to itself: it gets the credentials again', async () => {
    const server = await start(
      withPassword((request, response) =>
        request.url === '/other' ? response.end(blob) : redirect(response, '/other')
      )
    );
    expect(digestOf(await collect(open(server).readBlob(digest)))).toBe(digest);
  });

  it('to a URL with a signature: the error does not contain the signature', async () => {
    const bucket = await start((_request, response) => response.writeHead(403).end());
    const server = await start((_request, response) =>
      redirect(response, `http://${bucket.host}/b?signature=secret`)
    );
    const failure = await collect(open(server).readBlob(digest)).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'registry-failed',
      message: expect.stringContaining('/b answered 403') as unknown
    });
    expect(JSON.stringify([String(failure), failure])).not.toContain('secret');
  });

  it('in a loop: the loop ends with an error', async () => {
    const server = await start((_request, response) => redirect(response, '/again'));
    await expect(open(server).hasBlob(digest)).rejects.toMatchObject({ code: 'registry-failed' });
    expect(server.calls.length).toBeLessThan(10);
  });

  it.each(['http://198.51.100.7/x', 'ftp://127.0.0.1/x', 'file:///etc/passwd', 'http://[::ffff:7f00:1]/'])(
    'to %s: the redirect is refused',
    async location => {
      const server = await start((_request, response) => redirect(response, location));
      await expect(open(server).hasBlob(digest)).rejects.toMatchObject({ code: 'malformed' });
    }
  );

  it('an upload to another server: that server gets no credentials', async () => {
    const other = await start((request, response) => {
      request.resume().on('end', () => response.writeHead(201).end());
    });
    const server = await start(
      withPassword((request, response) => {
        if (request.method === 'HEAD') response.writeHead(404).end();
        else response.writeHead(202, { location: `http://${other.host}/upload?state=1` }).end();
      })
    );
    await open(server).writeBlob(digest, blob.length, chunked(blob));
    expect(other.calls).toHaveLength(1);
    expect(other.calls[0]).toMatchObject({
      method: 'PUT',
      url: `/upload?state=1&digest=${digest.replace(':', '%3A')}`
    });
    expect(other.calls[0]?.headers.authorization).toBeUndefined();
  });

  it('to another server that asks for credentials: neither it nor its token service gets any', async () => {
    const thief = await start((_request, response) => response.end('{"token":"x"}'));
    const bucket = await start((_request, response) =>
      response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${thief.host}/token"` }).end()
    );
    const server = await start((_request, response) => redirect(response, `http://${bucket.host}/b`));
    await expect(open(server).hasBlob(digest)).rejects.toMatchObject({ code: 'registry-failed' });
    expect(thief.calls).toHaveLength(0);
    expect(bucket.calls.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  it('to a token service without HTTPS: no password is sent there', async () => {
    const server = await start((_request, response) =>
      response
        .writeHead(401, { 'www-authenticate': 'Bearer realm="http://198.51.100.7/token",service="x"' })
        .end()
    );
    await expect(open(server).hasBlob(digest)).rejects.toMatchObject({ code: 'malformed' });
  });
});

describe('a registry that returns wrong data', () => {
  it('for a blob is detected before the last chunk is passed on', async () => {
    const server = await start((_request, response) => response.end(randomBytes(100_000)));
    const seen: Uint8Array[] = [];
    const read = async () => {
      for await (const chunk of open(server).readBlob(digest)) seen.push(chunk);
    };
    await expect(read()).rejects.toMatchObject({ code: 'digest-mismatch' });
    expect(Buffer.concat(seen).length).toBeLessThan(100_000);
  });

  it('for a manifest is detected', async () => {
    const { manifest } = await makeKernelImage();
    const server = await start((_request, response) => response.end(manifest));
    await expect(open(server).readManifest(digest)).rejects.toMatchObject({ code: 'digest-mismatch' });
  });

  it('as the stored digest is detected', async () => {
    const server = await start((request, response) => {
      request.resume().on('end', () => response.writeHead(201, { 'docker-content-digest': digest }).end());
    });
    await expect(open(server).writeManifest(utf8('{}'), 'x')).rejects.toMatchObject({
      code: 'digest-mismatch'
    });
  });

  it('as an endless manifest is cut off', async () => {
    const server = await start((_request, response) => {
      const go = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(1024 ** 2, 0x20)));
      };
      response.on('drain', go).on('error', () => undefined);
      go();
    });
    await expect(open(server).readManifest(digest)).rejects.toMatchObject({ code: 'too-large' });
    await expect(open(server).resolve('x')).rejects.toMatchObject({ code: 'too-large' });
  });

  it('as another part of a file than requested is refused', async () => {
    let calls = 0;
    const server = await start((_request, response) => {
      if (calls++ === 0) {
        response.writeHead(200, { 'content-length': blob.length });
        response.write(blob.subarray(0, 50_000), () => setTimeout(() => response.destroy(), 20));
      } else response.writeHead(206, { 'content-range': 'bytes 10-99999/100000' }).end(blob.subarray(10));
    });
    await expect(collect(open(server).readBlob(digest))).rejects.toMatchObject({ code: 'registry-failed' });
    expect(calls).toBe(2);
  });

  it.each(['', 'Bearer', 'Digest realm="x"', 'Bearer service="x"', `Basic ${'x'.repeat(100_000)}`])(
    'as an authentication challenge (%.20j) is refused with a remedy',
    async header => {
      const server = await start((_request, response) =>
        response.writeHead(401, header.length > 8000 ? {} : { 'www-authenticate': header }).end()
      );
      await expect(open(server).hasBlob(digest)).rejects.toMatchObject({
        code: 'registry-failed',
        remedy: expect.stringContaining('docker login') as unknown
      });
    }
  );

  it('as an invalid token is refused', async () => {
    for (const answer of ['not json', '{}', '{"token":"two\\r\\nlines"}', '{"token":7}']) {
      const server = await start((request, response) => {
        if (request.url?.startsWith('/token') === true) response.end(answer);
        else {
          const realm = `http://${request.headers.host ?? ''}/token`;
          response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}"` }).end();
        }
      });
      await expect(open(server).hasBlob(digest)).rejects.toMatchObject({
        code: expect.stringMatching(/^(registry-failed|malformed)$/) as unknown
      });
    }
  });
});

describe('the address of a repository', () => {
  it.each([
    ['ghcr.io/team/image', 'https://ghcr.io', 'team/image'],
    [
      'https://europe-docker.pkg.dev/project/repo/image',
      'https://europe-docker.pkg.dev',
      'project/repo/image'
    ],
    ['registry.example.org:8443/image', 'https://registry.example.org:8443', 'image'],
    ['http://localhost:5000/a__b/c.d-e', 'http://localhost:5000', 'a__b/c.d-e'],
    ['http://[::1]:5000/image', 'http://[::1]:5000', 'image']
  ])('%s is valid', (text, origin, repository) => {
    expect(parseAddress(text)).toMatchObject({ origin, repository });
  });

  it.each([
    'http://registry.example.org/image',
    'http://127.0.0.1.example.org/image',
    'http://10.0.0.1/image',
    'https://ada:horse@registry.example.org/image',
    'registry.example.org',
    'registry.example.org/image:tag',
    'registry.example.org/Image',
    'registry.example.org/a//b',
    'registry.example.org/a/../b?x=y',
    'registry.example.org/image#x',
    `registry.example.org/${'a'.repeat(256)}`,
    'ftp://registry.example.org/image',
    ''
  ])('%s is refused', text => {
    let error: unknown;
    try {
      parseAddress(text);
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({
      code: 'malformed',
      message: expect.not.stringContaining('horse') as unknown
    });
  });
});
