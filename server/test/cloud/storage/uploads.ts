import { randomBytes } from 'node:crypto';
import type { CloudClock } from '../clock.js';
import { ApiError } from '../http/api-error.js';
import type { Call, Reply } from '../http/api-server.js';
import type { Bucket, Checksums, Preconditions, StoredObject } from './bucket.js';

/** The object that a resumable upload makes. */
export interface UploadPlan {
  readonly bucket: Bucket;
  readonly name: string;
  readonly contentType: string;
  readonly preconditions: Preconditions;
  readonly checksums: Checksums;
}

interface Session {
  readonly plan: UploadPlan;
  readonly parts: Buffer[];
  received: number;
  readonly began: number;
  finished: StoredObject | undefined;
}

/** Chunks other than the last are a multiple of this size (cloud.google.com/storage/docs/performing-resumable-uploads). */
const CHUNK_QUANTUM = 256 * 1024;
/** Session addresses are valid for a week, in milliseconds. */
const SESSION_LIFETIME = 7 * 24 * 3600 * 1000;
const RANGE = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/;

/** Resumable uploads, which the JSON and the XML API share. The address of a session is the right to use it. */
export class Uploads {
  readonly #sessions = new Map<string, Session>();

  constructor(private readonly clock: CloudClock) {}

  /**
   * Begins an upload and returns the id of its session.
   *
   * @throws ApiError 412 when a precondition is not met
   */
  begin(plan: UploadPlan): string {
    plan.bucket.check(plan.name, plan.preconditions);
    const id = randomBytes(48).toString('base64url');
    this.#sessions.set(id, { plan, parts: [], received: 0, began: this.clock.now(), finished: undefined });
    return id;
  }

  /**
   * Receives a chunk, or a question for the number of bytes received so far.
   *
   * @param call - without the header `Content-Range` its body is the whole object
   * @returns the object when it is complete, or the answer 308
   * @throws ApiError 404 or 410 for an unknown or expired session, 400 for an invalid chunk
   */
  receive(id: string, { body, headers, fault }: Call): StoredObject | Reply {
    const contentRange = headers['content-range'];
    if (fault?.kind === 'lost-session') this.#sessions.delete(id);
    const session = this.#sessions.get(id);
    if (session === undefined) throw new ApiError(404, 'notFound', 'Upload session not found.');
    if (this.clock.now() - session.began > SESSION_LIFETIME) {
      throw new ApiError(410, 'gone', 'The upload session has expired.');
    }
    if (session.finished !== undefined) return session.finished;
    const [, first, last, total = '*'] =
      RANGE.exec(contentRange ?? `bytes 0-${body.length - 1}/${body.length}`) ?? [];
    if (contentRange !== undefined && !RANGE.test(contentRange)) {
      throw new ApiError(400, 'invalid', `Failed to parse Content-Range header: ${contentRange}`);
    }
    if (fault?.kind === 'broken-request') this.#appendBroken(session, body, Number(first));
    else if (first !== undefined) this.#append(session, body, Number(first), Number(last), total);
    if (total !== '*' && session.received === Number(total)) {
      const { bucket, name, contentType, preconditions, checksums } = session.plan;
      session.finished = bucket.put(
        name,
        Buffer.concat(session.parts),
        contentType,
        preconditions,
        checksums
      );
      session.parts.length = 0;
      return session.finished;
    }
    const range = session.received === 0 ? {} : { range: `bytes=0-${session.received - 1}` };
    return { status: 308, headers: { ...range, 'x-guploader-uploadid': id } };
  }

  #append(session: Session, body: Buffer, first: number, last: number, total: string): void {
    if (contradicts(body.length, first, last)) {
      throw new ApiError(
        400,
        'invalid',
        `The body has ${body.length} bytes, not those from ${first} to ${last}.`
      );
    }
    // A chunk that begins elsewhere is ignored; the answer tells where to continue.
    if (first > session.received) return;
    const isLast = total !== '*' && last + 1 === Number(total);
    if (!isLast && body.length % CHUNK_QUANTUM !== 0) {
      throw new ApiError(400, 'invalid', 'Chunks other than the last must be a multiple of 256 KiB.');
    }
    const fresh = body.subarray(session.received - first);
    session.parts.push(fresh);
    session.received += fresh.length;
  }

  /** Keeps what arrived of a chunk before its connection broke, which Google does in multiples of 256 KiB. */
  #appendBroken(session: Session, body: Buffer, first: number): void {
    if (first !== session.received) return;
    const kept = body.subarray(0, body.length - (body.length % CHUNK_QUANTUM));
    session.parts.push(kept);
    session.received += kept.length;
  }

  /** Cancels an upload. */
  cancel(id: string): Reply {
    this.#sessions.delete(id);
    return { status: 499 };
  }
}

function contradicts(length: number, first: number, last: number): boolean {
  return length !== last - first + 1;
}
