import { CRC32C } from '@google-cloud/storage';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The resource of a bucket with safe settings (cloud.google.com/storage/docs/json_api/v1/buckets). */
const SAFE_BUCKET = {
  kind: 'storage#bucket',
  location: 'EUROPE-WEST4',
  storageClass: 'STANDARD',
  softDeletePolicy: { retentionDurationSeconds: '0' },
  iamConfiguration: {
    uniformBucketLevelAccess: { enabled: true, lockedTime: '2027-02-24T00:00:00.000Z' },
    publicAccessPrevention: 'enforced'
  }
};

interface Upload {
  readonly name: string;
  bytes: Buffer;
}

/**
 * A fake of Google Cloud Storage with the part of its JSON API that our store uses: metadata, media, delete, and resumable
 * uploads with chunks, `308 Resume Incomplete` and status queries
 * (cloud.google.com/storage/docs/performing-resumable-uploads, …/docs/json_api/v1/objects).
 */
export class GoogleStorageServer {
  readonly objects = new Map<string, Buffer>();
  /** Numbers of the chunks (from 1) whose first upload is answered with 503. */
  readonly brokenChunks = new Set<number>();
  chunks = 0;
  /** Settings of the bucket that a test changes. The others are those that `gcloud storage buckets create` can set. */
  settings: object = {};
  /** When set, requests for the bucket's metadata are refused with this status. */
  refusal: number | undefined;
  readonly #uploads = new Map<string, Upload>();
  readonly #server: Server;
  readonly #bucket: string;

  private constructor(bucket: string) {
    this.#bucket = bucket;
    this.#server = createServer((request, response) => {
      void this.#answer(request, response).catch(() => response.destroy());
    });
  }

  static async start(bucket: string): Promise<GoogleStorageServer> {
    const server = new GoogleStorageServer(bucket);
    await new Promise<void>(resolve => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise(resolve => this.#server.close(resolve));
  }

  #resource(name: string, bytes: Buffer): object {
    const crc32c = new CRC32C();
    crc32c.update(bytes);
    return {
      kind: 'storage#object',
      bucket: this.#bucket,
      name,
      size: String(bytes.length),
      generation: '1',
      crc32c: crc32c.toString()
    };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    const json = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    const sendError = (status: number, reason: string): void =>
      json(status, { error: { code: status, message: reason, errors: [{ reason, message: reason }] } });
    if (url.pathname === `/upload/storage/v1/b/${this.#bucket}/o`) {
      const session = url.searchParams.get('upload_id');
      if (session !== null) return this.#uploadChunk(request, response, session, json, sendError);
      if (url.searchParams.get('uploadType') === 'multipart')
        return this.#uploadMultipart(request, url, json, sendError);
      this.#beginUpload(url, response, sendError);
      return;
    }
    if (url.pathname === `/storage/v1/b/${this.#bucket}`) {
      if (this.refusal === undefined) json(200, { ...SAFE_BUCKET, name: this.#bucket, ...this.settings });
      else sendError(this.refusal, 'refused');
      return;
    }
    const [, encoded] = new RegExp(`^/storage/v1/b/${this.#bucket}/o/(.+)$`).exec(url.pathname) ?? [];
    if (encoded === undefined) {
      sendError(404, 'notFound');
      return;
    }
    const name = decodeURIComponent(encoded);
    const bytes = this.objects.get(name);
    if (bytes === undefined) {
      sendError(404, 'notFound');
      return;
    }
    if (request.method === 'DELETE') {
      this.objects.delete(name);
      response.writeHead(204).end();
      return;
    }
    if (url.searchParams.get('alt') !== 'media') {
      json(200, this.#resource(name, bytes));
      return;
    }
    const { crc32c } = this.#resource(name, bytes) as { crc32c: string };
    response.writeHead(200, { 'content-length': bytes.length, 'x-goog-hash': `crc32c=${crc32c}` }).end(bytes);
  }

  /** Answers an upload with metadata and content in one `multipart/related` body. */
  async #uploadMultipart(
    request: IncomingMessage,
    url: URL,
    json: (status: number, body: object) => void,
    sendError: (status: number, reason: string) => void
  ): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const [, boundary = ''] = /boundary="?([^";]+)/.exec(request.headers['content-type'] ?? '') ?? [];
    const [, metadata = '', content = ''] = Buffer.concat(parts).toString('latin1').split(`--${boundary}`);
    const { name } = JSON.parse(metadata.slice(metadata.indexOf('\r\n\r\n'))) as { name?: string };
    const key = url.searchParams.get('name') ?? name ?? '';
    if (this.objects.has(key)) {
      sendError(412, 'conditionNotMet');
      return;
    }
    const bytes = Buffer.from(content.slice(content.indexOf('\r\n\r\n') + 4, -2), 'latin1');
    this.objects.set(key, bytes);
    json(200, this.#resource(key, bytes));
  }

  /** Begins a resumable upload. */
  #beginUpload(
    url: URL,
    response: ServerResponse,
    sendError: (status: number, reason: string) => void
  ): void {
    const name = url.searchParams.get('name') ?? '';
    if (url.searchParams.get('ifGenerationMatch') === '0' && this.objects.has(name)) {
      sendError(412, 'conditionNotMet');
      return;
    }
    const id = randomUUID();
    this.#uploads.set(id, { name, bytes: Buffer.alloc(0) });
    const location = `${this.url}/upload/storage/v1/b/${this.#bucket}/o?uploadType=resumable&upload_id=${id}`;
    response.writeHead(200, { location }).end();
  }

  /** Answers the upload of a chunk, or a query for the number of bytes received. */
  async #uploadChunk(
    request: IncomingMessage,
    response: ServerResponse,
    session: string,
    json: (status: number, body: object) => void,
    sendError: (status: number, reason: string) => void
  ): Promise<void> {
    const upload = this.#uploads.get(session);
    if (upload === undefined) {
      sendError(404, 'notFound');
      return;
    }
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    const [, first, total] =
      /^bytes (?:(\d+)-(?:\d+|\*)|\*)\/(\d+|\*)$/.exec(request.headers['content-range'] ?? '') ?? [];
    if (body.length > 0 && this.brokenChunks.delete(++this.chunks)) {
      sendError(503, 'backendError');
      return;
    }
    if (first !== undefined && Number(first) === upload.bytes.length) {
      upload.bytes = Buffer.concat([upload.bytes, body]);
    }
    if (total !== undefined && total !== '*' && upload.bytes.length === Number(total)) {
      if (this.objects.has(upload.name)) {
        sendError(412, 'conditionNotMet');
        return;
      }
      this.objects.set(upload.name, upload.bytes);
      json(200, this.#resource(upload.name, upload.bytes));
      return;
    }
    const range = upload.bytes.length === 0 ? {} : { range: `bytes=0-${upload.bytes.length - 1}` };
    response.writeHead(308, range).end();
  }
}
