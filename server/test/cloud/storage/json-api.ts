import { ApiError } from '../http/api-error.js';
import type { Call, Reply, Route } from '../http/api-server.js';
import { parseJson } from '../http/json.js';
import type { Accounts } from '../identity/accounts.js';
import type { Bucket, Checksums, Preconditions, StoredObject } from './bucket.js';
import { parseRelated } from './multipart.js';
import { contentReply } from './range.js';
import type { Uploads } from './uploads.js';

/** Parts of the cloud that the APIs of Cloud Storage share. */
export interface StorageContext {
  readonly accounts: Accounts;
  readonly uploads: Uploads;
  /** Returns a bucket, or undefined if there is none. */
  readonly bucket: (name: string) => Bucket | undefined;
}

const READ_SCOPES = ['read_only', 'read_write', 'full_control'].map(
  name => `https://www.googleapis.com/auth/devstorage.${name}`
);

function resourceOf(bucket: Bucket, object: StoredObject): object {
  const created = new Date(object.created).toISOString();
  return {
    kind: 'storage#object',
    id: `${bucket.name}/${object.name}/${object.generation}`,
    bucket: bucket.name,
    name: object.name,
    size: String(object.bytes.length),
    generation: object.generation,
    metageneration: '1',
    contentType: object.contentType,
    crc32c: object.crc32c,
    md5Hash: object.md5,
    timeCreated: created,
    updated: created,
    storageClass: 'STANDARD',
    etag: object.generation
  };
}

function bucketResource({ name, options }: Bucket): object {
  return {
    kind: 'storage#bucket',
    id: name,
    name,
    location: 'EUROPE-WEST4',
    storageClass: 'STANDARD',
    versioning: { enabled: options.versioning ?? false },
    softDeletePolicy: { retentionDurationSeconds: String(options.softDeleteSeconds ?? 0) },
    ...(options.lifecycle === undefined ? {} : { lifecycle: { rule: options.lifecycle } }),
    ...(options.retentionSeconds === undefined
      ? {}
      : { retentionPolicy: { retentionPeriod: String(options.retentionSeconds) } }),
    ...(options.eventBasedHold === true ? { defaultEventBasedHold: true } : {}),
    iamConfiguration: {
      uniformBucketLevelAccess:
        options.uniformAccess === false
          ? { enabled: false }
          : { enabled: true, lockedTime: '2027-02-24T00:00:00.000Z' },
      publicAccessPrevention: options.publicAccessPrevention ?? 'enforced'
    }
  };
}

/** The JSON API of Cloud Storage, for callers with access tokens. */
export class StorageJsonApi {
  constructor(private readonly context: StorageContext) {}

  get routes(): readonly Route[] {
    const bucket = '/storage/v1/b/{bucket}';
    const object = `${bucket}/o/{object}`;
    const upload = '/upload/storage/v1/b/{bucket}/o';
    const route = (name: string, method: string, path: string, handle: Route['handle']): Route => ({
      name: `storage.${name}`,
      method,
      path,
      handle
    });
    return [
      route('buckets.get', 'GET', bucket, call => this.#getBucket(call)),
      route('objects.list', 'GET', `${bucket}/o`, call => this.#list(call)),
      route('objects.get', 'GET', object, call => this.#get(call)),
      route('objects.delete', 'DELETE', object, call => this.#delete(call)),
      route('objects.rewrite', 'POST', `${object}/rewriteTo/b/{toBucket}/o/{toObject}`, call =>
        this.#rewrite(call)
      ),
      route('objects.insert', 'POST', upload, call => this.#insert(call)),
      route('objects.insert', 'PUT', upload, call => this.#receive(call)),
      route('objects.cancel', 'DELETE', upload, call =>
        this.context.uploads.cancel(call.url.searchParams.get('upload_id') ?? '')
      )
    ];
  }

  #check(call: Call, permission: string): Bucket {
    const { accounts, bucket } = this.context;
    const scopes =
      permission.endsWith('get') || permission.endsWith('list') ? READ_SCOPES : READ_SCOPES.slice(1);
    const account = accounts.authenticate(call.headers.authorization, scopes);
    const { bucket: name = '' } = call.params;
    accounts.authorize(account, permission, `projects/_/buckets/${name}`);
    const found = bucket(name);
    if (found === undefined) throw new ApiError(404, 'notFound', 'The specified bucket does not exist.');
    return found;
  }

  #getBucket(call: Call): Reply {
    return { status: 200, body: bucketResource(this.#check(call, 'storage.buckets.get')) };
  }

  #list(call: Call): Reply {
    const bucket = this.#check(call, 'storage.objects.list');
    const { searchParams } = call.url;
    const kept = searchParams.get('softDeleted') === 'true' || searchParams.get('versions') === 'true';
    const objects = kept ? bucket.listKept() : bucket.list(searchParams.get('prefix') ?? '');
    const size = Number(searchParams.get('maxResults') ?? 1000);
    const start = Number(searchParams.get('pageToken') ?? 0);
    const items = objects.slice(start, start + size).map(object => resourceOf(bucket, object));
    const nextPageToken = start + size < objects.length ? { nextPageToken: String(start + size) } : {};
    return { status: 200, body: { kind: 'storage#objects', items, ...nextPageToken } };
  }

  #get(call: Call): Reply {
    const bucket = this.#check(call, 'storage.objects.get');
    const object = bucket.get(call.params['object'] ?? '', call.url.searchParams.get('generation'));
    if (call.url.searchParams.get('alt') === 'media') return contentReply(object, call.headers.range);
    return { status: 200, body: resourceOf(bucket, object) };
  }

  #delete(call: Call): Reply {
    const bucket = this.#check(call, 'storage.objects.delete');
    const generation = call.url.searchParams.get('generation');
    bucket.delete(call.params['object'] ?? '', preconditionsOf(call), generation);
    return { status: 204 };
  }

  /** Copies an object within its bucket. */
  #rewrite(call: Call): Reply {
    const bucket = this.#check(call, 'storage.objects.create');
    this.#check(call, 'storage.objects.get');
    const { object = '', toBucket, toObject = '' } = call.params;
    if (toBucket !== bucket.name) throw new ApiError(501, 'notImplemented', 'Only copies within a bucket.');
    const { bytes, contentType } = bucket.get(object, call.url.searchParams.get('sourceGeneration'));
    const copy = bucket.put(toObject, bytes, contentType, preconditionsOf(call), {});
    const size = String(bytes.length);
    return {
      status: 200,
      body: {
        kind: 'storage#rewriteResponse',
        totalBytesRewritten: size,
        objectSize: size,
        done: true,
        resource: resourceOf(bucket, copy)
      }
    };
  }

  /** Answers an upload in one request, or begins a resumable one. */
  #insert(call: Call): Reply {
    const bucket = this.#check(call, 'storage.objects.create');
    const { searchParams } = call.url;
    const preconditions = preconditionsOf(call);
    if (searchParams.get('uploadType') === 'resumable') {
      const metadata = call.body.length === 0 ? {} : parseJson(call.body);
      const id = this.context.uploads.begin({
        bucket,
        name: nameOf(call, metadata),
        contentType:
          typeof metadata['contentType'] === 'string' ? metadata['contentType'] : 'application/octet-stream',
        preconditions,
        checksums: checksumsOf(metadata)
      });
      const host = call.headers.host ?? '';
      const location = `http://${host}${call.url.pathname}?uploadType=resumable&upload_id=${id}`;
      return { status: 200, headers: { location, 'x-guploader-uploadid': id } };
    }
    const { metadata, contentType, content } =
      searchParams.get('uploadType') === 'multipart'
        ? parseRelated(call)
        : { metadata: {}, contentType: call.headers['content-type'] ?? '', content: call.body };
    const name = nameOf(call, metadata);
    const object = bucket.put(name, content, contentType, preconditions, checksumsOf(metadata));
    return { status: 200, body: resourceOf(bucket, object) };
  }

  #receive(call: Call): Reply {
    const bucket = this.context.bucket(call.params['bucket'] ?? '');
    const id = call.url.searchParams.get('upload_id') ?? '';
    const received = this.context.uploads.receive(id, call);
    if ('status' in received || bucket === undefined) return received as Reply;
    return { status: 200, body: resourceOf(bucket, received) };
  }
}

function preconditionsOf(call: Call): Preconditions {
  return { ifGenerationMatch: call.url.searchParams.get('ifGenerationMatch') ?? undefined };
}

function checksumsOf(metadata: Readonly<Record<string, unknown>>): Checksums {
  const { crc32c, md5Hash } = metadata;
  return {
    crc32c: typeof crc32c === 'string' ? crc32c : undefined,
    md5: typeof md5Hash === 'string' ? md5Hash : undefined
  };
}

function nameOf(call: Call, metadata: Readonly<Record<string, unknown>>): string {
  const name = call.url.searchParams.get('name') ?? metadata['name'];
  if (typeof name !== 'string' || name === '')
    throw new ApiError(400, 'required', 'Required parameter: name');
  if (Buffer.byteLength(name) > 1024 || /[\r\n]/.test(name)) {
    throw new ApiError(400, 'invalid', 'The name of the object is invalid.');
  }
  return name;
}
