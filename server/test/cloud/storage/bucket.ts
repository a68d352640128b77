import { CRC32C } from '@google-cloud/storage';
import { createHash } from 'node:crypto';
import type { CloudClock } from '../clock.js';
import { ApiError } from '../http/api-error.js';

/** A rule that a bucket applies to its objects by itself, as in the resource of a bucket. */
interface LifecycleRule {
  readonly action: { readonly type: 'Delete' | 'AbortIncompleteMultipartUpload' };
  readonly condition: {
    readonly age: number;
    readonly isLive?: boolean;
    readonly matchesPrefix?: readonly string[];
  };
}

/** Settings of a bucket, by default those that the clean room asks for. A new bucket of Google's has soft delete for seven days. */
export interface BucketOptions {
  readonly softDeleteSeconds?: number;
  readonly versioning?: boolean;
  readonly lifecycle?: readonly LifecycleRule[];
  /** Time in which an object cannot be deleted. */
  readonly retentionSeconds?: number;
  /** Whether new objects cannot be deleted before somebody ends their hold. */
  readonly eventBasedHold?: boolean;
  /** Whether only the bucket's own permissions give access. */
  readonly uniformAccess?: boolean;
  readonly publicAccessPrevention?: 'enforced' | 'inherited';
}

/** An object, or one that was deleted and is still kept. */
export interface StoredObject {
  readonly name: string;
  readonly bytes: Buffer;
  readonly generation: string;
  readonly created: number;
  readonly contentType: string;
  readonly crc32c: string;
  readonly md5: string;
}

/** Conditions on an object for a request to have its effect. */
export interface Preconditions {
  /** The object's generation; 0 if it must not exist. */
  readonly ifGenerationMatch?: string | undefined;
}

/** Checksums that a client declares, as base64. */
export interface Checksums {
  readonly crc32c?: string | undefined;
  readonly md5?: string | undefined;
}

const DAY = 24 * 3600 * 1000;

/** The objects of one bucket. */
export class Bucket {
  readonly #objects = new Map<string, StoredObject>();
  readonly #kept: { readonly object: StoredObject; readonly until: number }[] = [];
  #generation = 1_700_000_000_000_000n;

  constructor(
    readonly name: string,
    readonly options: BucketOptions,
    private readonly clock: CloudClock
  ) {}

  /**
   * Writes an object.
   *
   * @throws ApiError 412 when a precondition is not met, 400 for a wrong checksum
   */
  put(
    name: string,
    bytes: Buffer,
    contentType: string,
    preconditions: Preconditions,
    checksums: Checksums
  ): StoredObject {
    this.check(name, preconditions);
    const hash = new CRC32C();
    hash.update(bytes);
    const crc32c = hash.toString();
    const md5 = createHash('md5').update(bytes).digest('base64');
    for (const [kind, declared, computed] of [
      ['CRC32C', checksums.crc32c, crc32c],
      ['MD5', checksums.md5, md5]
    ]) {
      if (declared === undefined || declared === computed) continue;
      throw new ApiError(
        400,
        'invalid',
        `Provided ${kind} "${declared}" doesn't match calculated ${kind} "${computed}".`
      );
    }
    const previous = this.#objects.get(name);
    if (previous !== undefined) this.#keep(previous);
    const generation = String((this.#generation += 1000n));
    const object = { name, bytes, generation, created: this.clock.now(), contentType, crc32c, md5 };
    this.#objects.set(name, object);
    return object;
  }

  /** @throws ApiError 412 when a precondition is not met */
  check(name: string, { ifGenerationMatch }: Preconditions): void {
    if (ifGenerationMatch === undefined) return;
    if ((this.find(name)?.generation ?? '0') === ifGenerationMatch) return;
    throw new ApiError(
      412,
      'conditionNotMet',
      'At least one of the pre-conditions you specified did not hold.'
    );
  }

  find(name: string): StoredObject | undefined {
    this.#applyLifecycle();
    return this.#objects.get(name);
  }

  /**
   * Returns an object, in the given generation if one is given.
   *
   * @throws ApiError 404 if the object does not exist
   */
  get(name: string, generation: string | null = null): StoredObject {
    const object = this.find(name);
    if (object === undefined || (generation !== null && generation !== object.generation))
      throw new ApiError(404, 'notFound', `No such object: ${this.name}/${name}`);
    return object;
  }

  /** @throws ApiError 404 if the object does not exist, 412 when a precondition is not met, 403 while it must be kept */
  delete(name: string, preconditions: Preconditions, generation: string | null = null): void {
    const object = this.get(name, generation);
    this.check(name, preconditions);
    const { retentionSeconds = 0, eventBasedHold = false } = this.options;
    const locked = `Object '${this.name}/${name}'`;
    if (eventBasedHold) throw new ApiError(403, 'objectUnderActiveHold', `${locked} is under active hold.`);
    if (this.clock.now() < object.created + retentionSeconds * 1000) {
      throw new ApiError(403, 'retentionPolicyNotMet', `${locked} is subject to bucket's retention policy.`);
    }
    this.#objects.delete(name);
    this.#keep(object);
  }

  /** Returns the objects whose names begin with a prefix, in the order of their names. */
  list(prefix = ''): readonly StoredObject[] {
    this.#applyLifecycle();
    return [...this.#objects.values()]
      .filter(({ name }) => name.startsWith(prefix))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Returns what the bucket still keeps of deleted objects: noncurrent versions, and soft-deleted ones until they expire. */
  listKept(): readonly StoredObject[] {
    return this.#kept.filter(({ until }) => until > this.clock.now()).map(({ object }) => object);
  }

  #keep(object: StoredObject): void {
    const { softDeleteSeconds = 0, versioning = false } = this.options;
    const until = versioning ? Infinity : this.clock.now() + softDeleteSeconds * 1000;
    if (versioning || softDeleteSeconds > 0) this.#kept.push({ object, until });
  }

  #applyLifecycle(): void {
    for (const { action, condition } of this.options.lifecycle ?? []) {
      const { age, isLive = true, matchesPrefix = [''] } = condition;
      if (action.type !== 'Delete' || !isLive) continue;
      for (const object of this.#objects.values()) {
        const isOld = this.clock.now() - object.created >= age * DAY;
        if (!isOld || !matchesPrefix.some(prefix => object.name.startsWith(prefix))) continue;
        this.#objects.delete(object.name);
        this.#keep(object);
      }
    }
  }
}
