import { randomBytes, randomInt } from 'node:crypto';
import type { CloudClock } from '../clock.js';
import { ApiError, notFound } from '../http/api-error.js';

/** Why an operation did not succeed. */
export interface OperationError {
  readonly code: string;
  readonly message: string;
  readonly httpStatus: number;
  readonly httpMessage: string;
}

/** The work of an operation, and its instance. */
export interface OperationPlan {
  readonly type: string;
  readonly zone: string;
  readonly user: string;
  readonly target: { readonly name: string; readonly id: string };
  readonly requestId?: string | undefined;
}

/** Returns a numeric id as Google's. */
export function numericId(): string {
  return `${randomInt(1, 9)}${Array.from({ length: 18 }, () => randomInt(0, 10)).join('')}`;
}

/** Returns a time as Compute Engine writes it. */
export function timestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

/** A long-running operation of a zone. */
export class Operation {
  readonly name = `operation-${Date.now()}-${randomBytes(7).toString('hex')}`;
  readonly id = numericId();
  readonly inserted: number;
  readonly done: Promise<void>;
  error: OperationError | undefined;
  ended: number | undefined;
  #finish!: () => void;

  constructor(
    readonly plan: OperationPlan,
    private readonly clock: CloudClock
  ) {
    this.inserted = clock.now();
    this.done = new Promise(resolve => (this.#finish = resolve));
  }

  /** Ends the operation, once. */
  finish(error?: OperationError): void {
    if (this.ended !== undefined) return;
    this.ended = this.clock.now();
    this.error = error;
    this.#finish();
  }

  /** Returns the resource (cloud.google.com/compute/docs/reference/rest/v1/zoneOperations). */
  toResource(base: string): object {
    const { type, zone, user, target, requestId } = this.plan;
    const { error } = this;
    return {
      kind: 'compute#operation',
      id: this.id,
      name: this.name,
      zone: `${base}/zones/${zone}`,
      operationType: type,
      targetLink: `${base}/zones/${zone}/instances/${target.name}`,
      targetId: target.id,
      status: this.ended === undefined ? 'RUNNING' : 'DONE',
      user,
      progress: this.ended === undefined ? 0 : 100,
      insertTime: timestamp(this.inserted),
      startTime: timestamp(this.inserted),
      ...(requestId === undefined ? {} : { clientOperationId: requestId }),
      ...(this.ended === undefined ? {} : { endTime: timestamp(this.ended) }),
      ...(error === undefined
        ? {}
        : {
            error: { errors: [{ code: error.code, message: error.message }] },
            httpErrorStatusCode: error.httpStatus,
            httpErrorMessage: error.httpMessage
          }),
      selfLink: `${base}/zones/${zone}/operations/${this.name}`
    };
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const NIL_UUID = '00000000-0000-0000-0000-000000000000';

/** The operations of the project. */
export class Operations {
  readonly #operations = new Map<string, Operation>();
  readonly #requests = new Map<string, Operation>();

  constructor(private readonly clock: CloudClock) {}

  /**
   * Returns the operation that an earlier request with the same id began.
   *
   * @throws ApiError 400 if the id is not a UUID
   */
  ofRequest(requestId: string | undefined): Operation | undefined {
    if (requestId === undefined) return undefined;
    if (!UUID.test(requestId) || requestId === NIL_UUID) {
      throw new ApiError(
        400,
        'invalid',
        `Invalid value for field 'requestId': '${requestId}'. The request ID must be a valid UUID that is not zero.`
      );
    }
    return this.#requests.get(requestId);
  }

  /** Begins an operation. */
  begin(plan: OperationPlan): Operation {
    const operation = new Operation(plan, this.clock);
    this.#operations.set(operation.name, operation);
    if (plan.requestId !== undefined) this.#requests.set(plan.requestId, operation);
    return operation;
  }

  /** @throws ApiError 404 if there is none of that name in the zone */
  get(project: string, zone: string, name: string): Operation {
    const operation = this.#operations.get(name);
    if (operation?.plan.zone !== zone) throw notFound(`projects/${project}/zones/${zone}/operations/${name}`);
    return operation;
  }

  /** Returns the operations of a zone, oldest first. */
  list(zone: string): readonly Operation[] {
    return [...this.#operations.values()].filter(({ plan }) => plan.zone === zone);
  }
}
