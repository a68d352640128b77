import { ApiError } from '../http/api-error.js';
import type { Call, Reply, Route } from '../http/api-server.js';
import type { Bucket, Checksums, StoredObject } from './bucket.js';
import type { StorageContext } from './json-api.js';
import { contentReply } from './range.js';
import { verifySignedUrl } from './signed-url.js';

/** Settings of the XML API. */
export interface XmlApiOptions extends StorageContext {
  /** Returns the time in milliseconds. */
  readonly now: () => number;
  readonly longestSignedUrlSeconds: number;
}

/** Codes of the XML API for the reasons of the JSON API. */
const CODES: Readonly<Record<string, string>> = {
  notFound: 'NoSuchKey',
  conditionNotMet: 'PreconditionFailed',
  requestedRangeNotSatisfiable: 'InvalidRange',
  forbidden: 'AccessDenied',
  invalid: 'InvalidArgument'
};

function escapeXml(text: string): string {
  return text.replace(/[<>&]/g, char => `&#${char.charCodeAt(0)};`);
}

function xmlErrorReply(error: ApiError): Reply {
  const code = CODES[error.reason] ?? error.reason;
  return {
    status: error.code,
    headers: { 'content-type': 'application/xml; charset=UTF-8' },
    body: `<?xml version='1.0' encoding='UTF-8'?><Error><Code>${code}</Code><Message>${escapeXml(error.message)}</Message></Error>`
  };
}

/** The XML API of Cloud Storage, for holders of signed URLs. */
export class StorageXmlApi {
  constructor(private readonly options: XmlApiOptions) {}

  get routes(): readonly Route[] {
    const path = '/{bucket}/{object=**}';
    const route = (name: string, method: string, handle: (call: Call) => Reply): Route => ({
      name: `storage.xml.${name}`,
      method,
      path,
      handle: call => {
        try {
          return handle(call);
        } catch (error) {
          if (error instanceof ApiError) return xmlErrorReply(error);
          throw error;
        }
      }
    });
    return [
      route('get', 'GET', call => this.#get(call)),
      route('get', 'HEAD', call => this.#head(call)),
      route('put', 'PUT', call => this.#put(call)),
      route('post', 'POST', call => this.#begin(call)),
      route('delete', 'DELETE', call => this.#delete(call))
    ];
  }

  /** Verifies the signature of a call and the rights of the account that signed. */
  #check(call: Call, permission: string): Bucket {
    const { accounts, longestSignedUrlSeconds: longestSeconds, now, bucket } = this.options;
    const account = verifySignedUrl(call, { accounts, now: now(), longestSeconds });
    const { bucket: name = '' } = call.params;
    accounts.authorize(account, permission, `projects/_/buckets/${name}`);
    const found = bucket(name);
    if (found === undefined) throw new ApiError(404, 'NoSuchBucket', 'The specified bucket does not exist.');
    return found;
  }

  #get(call: Call): Reply {
    const bucket = this.#check(call, 'storage.objects.get');
    return contentReply(bucket.get(call.params['object'] ?? ''), call.headers.range);
  }

  #head(call: Call): Reply {
    const { status, headers, body } = this.#get(call);
    return { status, headers: { ...headers, 'content-length': String((body as Buffer).length) } };
  }

  #put(call: Call): Reply {
    const session = call.url.searchParams.get('upload_id');
    if (session !== null) {
      const received = this.options.uploads.receive(session, call);
      return 'status' in received ? received : storedReply(received);
    }
    if (call.fault?.kind === 'broken-request') {
      throw new ApiError(400, 'IncompleteBody', 'The body is shorter than its Content-Length.');
    }
    const bucket = this.#check(call, 'storage.objects.create');
    const { object = '' } = call.params;
    checkLength(call);
    return storedReply(
      bucket.put(object, call.body, contentTypeOf(call), preconditionsOf(call), checksumsOf(call))
    );
  }

  /** Begins a resumable upload; its session's address needs no signature. */
  #begin(call: Call): Reply {
    const bucket = this.#check(call, 'storage.objects.create');
    if (call.headers['x-goog-resumable'] !== 'start') {
      throw new ApiError(400, 'InvalidArgument', 'The request needs the header x-goog-resumable: start.');
    }
    const id = this.options.uploads.begin({
      bucket,
      name: call.params['object'] ?? '',
      contentType: contentTypeOf(call),
      preconditions: preconditionsOf(call),
      checksums: checksumsOf(call)
    });
    const location = `http://${call.headers.host}${call.url.pathname}?upload_id=${id}`;
    return { status: 201, headers: { location, 'x-guploader-uploadid': id } };
  }

  #delete(call: Call): Reply {
    this.#check(call, 'storage.objects.delete').delete(call.params['object'] ?? '', preconditionsOf(call));
    return { status: 204 };
  }
}

function storedReply(object: StoredObject): Reply {
  return {
    status: 200,
    headers: {
      etag: `"${object.md5}"`,
      'x-goog-generation': object.generation,
      'x-goog-hash': `crc32c=${object.crc32c},md5=${object.md5}`
    }
  };
}

/** Checks the length of an upload against the header `x-goog-content-length-range`. */
function checkLength({ headers, body }: Call): void {
  const [, least, most] = /^(\d+),(\d+)$/.exec(String(headers['x-goog-content-length-range'] ?? '')) ?? [];
  if (least === undefined) return;
  if (body.length < Number(least)) throw new ApiError(400, 'EntityTooSmall', 'The upload is too small.');
  if (body.length > Number(most)) throw new ApiError(400, 'EntityTooLarge', 'The upload is too large.');
}

function contentTypeOf(call: Call): string {
  return call.headers['content-type'] ?? 'application/octet-stream';
}

function preconditionsOf(call: Call): { ifGenerationMatch: string | undefined } {
  return { ifGenerationMatch: call.headers['x-goog-if-generation-match'] as string | undefined };
}

/** Returns the checksums of the headers `x-goog-hash` and `Content-MD5`. */
function checksumsOf(call: Call): Checksums {
  const hashes = String(call.headers['x-goog-hash'] ?? '');
  const [, crc32c] = /crc32c=([^,]+)/.exec(hashes) ?? [];
  const [, md5 = call.headers['content-md5'] as string | undefined] = /md5=([^,]+)/.exec(hashes) ?? [];
  return { crc32c, md5 };
}
